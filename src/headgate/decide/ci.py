"""Everything that can move a build: which step runs next, when the build passes, fails or is cancelled.

Unknown is never success: a step that was lost is run again, once, and a build whose steps cannot be seen fails in time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headgate.decide.builds import BuildState, StepRun
from headgate.model import events as e
from headgate.model.builds import CiStep, StepOrder, StepSeen
from headgate.model.effects import BuildEffect, MakeRelease, StartStep, StopMaking, StopStep
from headgate.model.ids import ReleaseId, StepRunId, step_run_id

ENGINE = "headgate"
ATTEMPTS = 2  # of a step that is lost; one that failed is not tried again
START = timedelta(minutes=5)  # a step must have been started by then: a large repository is laid out first
GRACE = timedelta(minutes=2)  # beyond its time limit, which the runner enforces: reports are read, artifacts kept
STOP = timedelta(minutes=1)  # a step that was told to end must be gone by then
RELEASE = timedelta(minutes=5)  # from the last step's end: the release must be there by then
LONGEST = timedelta(hours=24)  # a whole build, the waiting for other builds included
MOST_NAMED = 3  # failed tests in a sentence


@dataclass(frozen=True, slots=True)
class BuildSeen:
    """One look at what runs of a build."""

    steps: Mapping[StepRunId, StepSeen | None] = field(default_factory=dict)  # None: it was never started
    unknown: tuple[str, ...] = ()  # what could not be seen
    room: int = 1  # how many more steps may run beside those of other builds
    superseded: str | None = None  # by which build of a later commit of its branch
    release: ReleaseId | None = None  # that the commit has become
    making: bool = False  # its release is being made: images are built and pushed


def decide_build(state: BuildState, seen: BuildSeen, now: datetime) -> list[e.Event]:
    if state.outcome is not None:
        return []
    cancelled = _give_way(state, seen) or _out_of_time(state, now)
    if cancelled:
        return cancelled
    ended = [event for run in state.running() if (event := _step_ended(run, state, seen, now))]
    if ended:
        return ended
    return _start_steps(state, seen) or _end(state, seen, now)


# --- cancelling


def _give_way(state: BuildState, seen: BuildSeen) -> list[e.Event]:
    if seen.superseded is None or state.cancelled_at is not None:
        return []
    return [e.BuildCancelled(ENGINE, f"{seen.superseded} is a newer commit of {state.build.branch}")]


def _out_of_time(state: BuildState, now: datetime) -> list[e.Event]:
    if state.cancelled_at is not None or now - state.build.requested_at < LONGEST:
        return []
    return [e.BuildCancelled(ENGINE, f"it did not end within {_words(LONGEST)}")]


# --- steps that run


def _step_ended(run: StepRun, state: BuildState, seen: BuildSeen, now: datetime) -> e.Event | None:
    name = state.run_id(run.step)
    look = seen.steps.get(name)
    if look is not None and look.state != "running":
        return e.CiStepEnded(run.step, run.attempt, look.state, look.seconds, look.tests, look.findings, look.why)
    if look is None and name in seen.steps and state.cancelled_at is not None:
        return e.CiStepEnded(run.step, run.attempt, "cancelled", 0.0, None, None, "it had not begun")
    late = _late(run, state, look, now)
    if late is None:
        return None
    seconds = (now - run.started_at).total_seconds()
    return e.CiStepEnded(run.step, run.attempt, "lost", seconds, None, None, late)


def _late(run: StepRun, state: BuildState, look: StepSeen | None, now: datetime) -> str | None:
    """Why nothing is expected of it any more."""
    taken, timeout = now - run.started_at, state.step(run.step).timeout
    if state.cancelled_at is not None and now - state.cancelled_at >= STOP:
        return f"it was told to end and is not known to have ended within {_words(STOP)}"
    if look is None and taken >= START and state.failures:
        return f"it could not be started within {_words(START)}: {state.failures[-1].why}"
    if taken >= START + timeout + GRACE:
        return f"nothing was heard of its end, {_words(GRACE)} after its time limit"
    return None


# --- steps that are next


def _start_steps(state: BuildState, seen: BuildSeen) -> list[e.Event]:
    if state.cancelled_at is not None or failed(state):
        return []
    found = [step for step in state.steps if may_start(step, state)]
    return [_started(step, state) for step in found[: max(seen.room, 0)]]


def may_start(step: CiStep, state: BuildState) -> bool:
    run = state.runs.get(step.name)
    again = run is not None and run.outcome == "lost" and run.attempt < ATTEMPTS
    return (run is None or again) and all(state.passed(name) for name in step.needs)


def _started(step: CiStep, state: BuildState) -> e.Event:
    before = state.runs.get(step.name)
    if before is not None:
        return e.CiStepStarted(step.name, before.attempt + 1, f"once more, as it was lost: {before.why}")
    why = f"{', '.join(step.needs)} passed" if step.needs else "it needs no other step"
    return e.CiStepStarted(step.name, 1, why)


def failed(state: BuildState) -> list[StepRun]:
    """Steps that the build fails for. The others that run go on to their end: all that is wrong is told at once."""
    return [
        run
        for run in state.runs.values()
        if run.outcome in ("failed", "cancelled") or (run.outcome == "lost" and run.attempt >= ATTEMPTS)
    ]


# --- the end


def _end(state: BuildState, seen: BuildSeen, now: datetime) -> list[e.Event]:
    if state.running() or (seen.making and seen.release is None):
        return []
    everything = all(state.passed(step.name) for step in state.steps)
    if state.cancelled_at is not None and not (everything and seen.release):
        return [e.BuildEnded("cancelled", state.why)]
    if bad := failed(state):
        return [e.BuildEnded("failed", "; ".join(sentence(run) for run in bad))]
    return _released(state, seen, now) if everything else []


def _released(state: BuildState, seen: BuildSeen, now: datetime) -> list[e.Event]:
    if seen.release is not None:
        late = "; its release was made before it could be cancelled" if state.cancelled_at else ""
        return [e.BuildEnded("passed", f"all {len(state.steps)} steps passed{late}", seen.release)]
    if state.failures and state.failures[-1].hopeless:
        return [e.BuildEnded("failed", f"all steps passed, but there is no release: {state.failures[-1].why}")]
    since = max((run.ended_at for run in state.runs.values() if run.ended_at), default=state.build.requested_at)
    if now - since < RELEASE:
        return []
    last = state.failures[-1].why if state.failures else "no reason is known"
    return [e.BuildEnded("failed", f"all steps passed, but the release was not made within {_words(RELEASE)}: {last}")]


def sentence(run: StepRun) -> str:
    """How a step ended, in words: test failed: 2 of 30 tests failed: a, b."""
    told = f"{run.step} {'was ' if run.outcome in ('cancelled', 'lost') else ''}{run.outcome}"
    if run.outcome == "failed" and run.tests is not None and run.tests.failed:
        names = ", ".join(run.tests.names[:MOST_NAMED])
        more = f" and {run.tests.failed - MOST_NAMED} more" if run.tests.failed > MOST_NAMED else ""
        return f"{told}: {run.tests.failed} of {run.tests.total} tests failed: {names}{more}"
    return f"{told}: {run.why}"


# --- differences


def plan_build(state: BuildState, seen: BuildSeen) -> list[BuildEffect]:
    if state.outcome is not None:
        return []
    effects = [effect for run in state.runs.values() if (effect := _difference(run, state, seen))]
    everything = all(state.passed(step.name) for step in state.steps)
    if seen.release is not None or not everything:
        return effects
    if state.cancelled_at is not None:
        return [*effects, StopMaking(state.build)] if seen.making else effects
    return effects if seen.making else [*effects, MakeRelease(state.build)]


def _difference(run: StepRun, state: BuildState, seen: BuildSeen) -> BuildEffect | None:
    name, step = state.run_id(run.step), state.step(run.step)
    if name not in seen.steps:
        return None  # it could not be seen
    look = seen.steps[name]
    unwanted = state.cancelled_at is not None or run.outcome is not None
    if look is None:
        return None if unwanted else StartStep(StepOrder(name, state.build, step, _before(step, state)))
    if look.state == "running" and unwanted:
        return StopStep(step.image, name, state.why or run.why)
    return None


def _before(step: CiStep, state: BuildState) -> tuple[StepRunId, ...]:
    """All that it needs, and what those need, in the order of the file."""
    wanted: set[str] = set()
    left = list(step.needs)
    while left:
        name = left.pop()
        if name not in wanted:
            wanted.add(name)
            left += state.step(name).needs
    names = [one.name for one in state.steps if one.name in wanted]
    return tuple(step_run_id(state.build.id, name, state.runs[name].attempt) for name in names)


def waits(state: BuildState, seen: BuildSeen, now: datetime) -> list[str]:
    """What a build waits for, in words."""
    if state.outcome is not None:
        return []
    told = [_runs(run, state, now) for run in state.running()]
    if seen.room <= 0 and not told:
        told.append("steps of other builds, which run first")
    if all(state.passed(step.name) for step in state.steps):
        told.append("its release, which is being made" if seen.making else "its release")
    return [*told, *seen.unknown, *(failure.why for failure in state.failures[-1:])]


def _runs(run: StepRun, state: BuildState, now: datetime) -> str:
    lived, limit = (now - run.started_at).total_seconds(), state.step(run.step).timeout
    return f"{run.step} runs for {lived:.0f} s, at most {_words(limit)}"


def _words(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds >= 7200:
        return f"{seconds / 3600:g} h"
    return f"{seconds / 60:g} min" if seconds >= 120 else f"{seconds:g} s"
