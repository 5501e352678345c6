"""Secrets that a candidate could not be given: a store that is away is waited for, and blames no release."""

from headgate.decide.progress import short_of
from headgate.model.effects import Run
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState, Failure, Rollout

EVER_STARTED = ("starting", "ready", "unready", "exited")


def is_awaited(failure: Failure) -> bool:
    """Asked again until the step's time is up; a version that is gone does not come back."""
    return failure.withheld and not failure.hopeless


def withheld(state: EnvironmentState, rollout: Rollout, seen: Seen) -> str:
    """Why instances of the candidate never were started, where that is nobody's fault but the store's."""
    failed = [failure for failure in state.failures if failure.effect == str(Run(rollout.revision))]
    kept_from = seen.instances is not None and short_of(rollout.revision, seen, EVER_STARTED)
    return failed[-1].why if failed and failed[-1].withheld and kept_from else ""


def is_blameless(state: EnvironmentState, rollout: Rollout, seen: Seen) -> bool:
    """A new configuration of what is stable is put back all the same: it would be asked for again at once, for ever."""
    new = state.stable is None or state.stable.release != rollout.revision.release
    return new and bool(withheld(state, rollout, seen))
