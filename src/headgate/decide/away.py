"""Whoever did not answer when a candidate needed it, a store of secrets for one: awaited, and no release is blamed."""

from datetime import datetime, timedelta

from headgate.model.rollouts import EnvironmentState, Failure, Rollout

A_MOMENT = timedelta(minutes=1)  # longer than the longest pause between two attempts and the second of them


def is_awaited(failure: Failure) -> bool:
    """Tried again until the step's time is up; what is wrong itself, such as a version that is gone, stays so."""
    return failure.away and not failure.hopeless


def was_away(state: EnvironmentState, rollout: Rollout, now: datetime) -> str:
    """What the candidate needs did not answer a moment ago, and why: its secrets, its image."""
    concerns = [f for f in state.failures if f.away and (rollout.revision.id in f.effect or rollout.id in f.effect)]
    return next((failure.why for failure in reversed(concerns) if now - failure.at <= A_MOMENT), "")


def is_new(rollout: Rollout, state: EnvironmentState) -> bool:
    """Another configuration of what is stable is put back whoever was away: it would be asked for anew for ever."""
    return state.stable is None or state.stable.release != rollout.revision.release
