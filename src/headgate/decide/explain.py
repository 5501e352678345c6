"""Why an environment waits, and for whom: the sentences of `headgate why`."""

from datetime import datetime

from headgate.decide import migrating, provisioning
from headgate.decide.gates import closed_gates
from headgate.decide.plan import plan, wanted
from headgate.decide.progress import progress, seconds
from headgate.decide.standstill import standstill
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState, Rollout
from headgate.model.steps import describe


def waits_for(state: EnvironmentState, seen: Seen, now: datetime) -> list[str]:
    """Everything that is waited for, most urgent first; empty when there is nothing to do."""
    moving = [*_rollout(state, seen, now), *_failing(state, seen, now), *held_up(state, seen, now)]
    between = [*migrating.waits_for(state, seen, now), *provisioning.waits_for(state)]
    still = [*_frozen(state, seen, now), *between, *_pinned(state, seen)]
    return [*seen.unknown, *_alarm(state), *_drift(state, seen, now), *moving, *still]


def _drift(state: EnvironmentState, seen: Seen, now: datetime) -> list[str]:
    """Of what is wanted: what goes anyway is nobody's concern."""
    here = {revision.id for revision in wanted(state, now)}
    found = [one for one in seen.drift if one.revision in here]
    then = {True: "it is put back", False: "`heal: false` leaves it to you"}
    told = [f"somebody changed what Headgate made: {one.what}; {then[one.heal]}" for one in found if one.by_hand]
    return told + [one.what for one in found if not one.by_hand]


def _rollout(state: EnvironmentState, seen: Seen, now: datetime) -> list[str]:
    rollout = state.rollout
    if rollout is None:
        return []
    if rollout.phase == "aborting":
        return [f"aborting {rollout.revision.label}: the router does not yet say that all traffic is back"]
    return [_step(state, rollout, seen, now)]


def _step(state: EnvironmentState, rollout: Rollout, seen: Seen, now: datetime) -> str:
    where = f"step {rollout.position + 1} of {len(rollout.steps)}, {describe(rollout.step)}"
    if rollout.paused_at is not None:
        left = seconds(rollout.deadlines.pause - (now - rollout.paused_at))
        return f"{where}: paused ({rollout.why}); `headgate resume` lets it go on; aborts by itself in {left}"
    left = seconds(rollout.step.deadline - (now - rollout.step_started_at))
    return f"{where}: {progress(state, rollout, seen, now).why} (decided within {left} at the latest)"


def _alarm(state: EnvironmentState) -> list[str]:
    """Nothing happens by itself."""
    alarm = state.alarm
    return [f"a person to look, ALARM since {alarm.at:%H:%M:%S} UTC: {alarm.why}"] if alarm else []


def _failing(state: EnvironmentState, seen: Seen, now: datetime) -> list[str]:
    """What failed and is still wanted: nobody waits for what has taken hold since, or is no longer asked for."""
    wanted = {str(effect) for effect in plan(state, seen, now)}
    last = next((failure for failure in reversed(state.failures) if failure.effect in wanted), None)
    if last is None:
        return []
    return [f"{last.effect} failed {last.attempt} times, is tried again: {last.why}"]


def held_up(state: EnvironmentState, seen: Seen, now: datetime) -> list[str]:
    """What the release that waits here waits for."""
    request = state.waiting
    if request is None:
        return []
    label = request.revision.label
    closed = closed_gates(seen.rules, request, state, seen, now) if seen.rules else []
    goes_first = request.hotfix or (seen.rules is not None and seen.rules.concurrency == "replace")
    if state.rollout is not None and not (goes_first and closed):
        return [f"{label} waits until the rollout of {state.rollout.revision.label} has ended"]
    if seen.rules is None:
        return [f"{label} waits, but this environment is not in the applied specification; `headgate apply` it"]
    what = f"the hotfix {label}" if request.hotfix else label
    return [f"{what} waits for a gate: {gate.why}" for gate in closed]


def _frozen(state: EnvironmentState, seen: Seen, now: datetime) -> list[str]:
    """Where a release waits for it, that is said already."""
    held = state.waiting is not None and state.rollout is None
    return [] if held else [f"no rollout starts here: {why}" for why in standstill(state, seen, now)]


def _pinned(state: EnvironmentState, seen: Seen) -> list[str]:
    """Where releases would come by themselves, that none does is said."""
    if state.pin is None or seen.rules is None or seen.rules.deploy == "on-request":
        return []
    name = seen.rules.name
    why = f" ({state.pin.why})" if state.pin.why else ""
    return [f"pinned by {state.pin.by}{why}: nothing comes by itself until `headgate unpin {name}`, or a deployment"]
