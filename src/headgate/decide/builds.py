"""The state of one build, as folded from its events."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from headgate.model import events as e
from headgate.model.builds import Build, BuildOutcome, CiStep, Findings, StepOutcome, Tally
from headgate.model.ids import ReleaseId, StepRunId, step_run_id
from headgate.model.rollouts import Failure

KEPT_FAILURES = 20


@dataclass(frozen=True, slots=True)
class StepRun:
    """The latest attempt of one step."""

    step: str
    attempt: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: StepOutcome | None = None  # None: it runs, as far as is recorded
    seconds: float = 0.0
    tests: Tally | None = None
    findings: Findings | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class BuildState:
    build: Build
    steps: tuple[CiStep, ...]
    source: str
    file: str
    by: str
    version: int = 0  # of the stream, for the next append
    runs: dict[str, StepRun] = field(default_factory=dict)  # by step
    images: dict[str, e.ImageProvided] = field(default_factory=dict)  # by service
    cancelled_at: datetime | None = None
    outcome: BuildOutcome | None = None
    ended_at: datetime | None = None
    why: str = ""  # of its end, or of what ends it
    release: ReleaseId | None = None
    failures: tuple[Failure, ...] = ()  # since a step last started or ended, newest last

    def run_id(self, step: str) -> StepRunId:
        return step_run_id(self.build.id, step, self.runs[step].attempt)

    def step(self, name: str) -> CiStep:
        return next(step for step in self.steps if step.name == name)

    def running(self) -> list[StepRun]:
        """As far as is recorded."""
        return [run for run in self.runs.values() if run.outcome is None]

    def passed(self, step: str) -> bool:
        return step in self.runs and self.runs[step].outcome == "passed"


def fold_build(state: BuildState | None, recorded: list[e.Recorded]) -> BuildState | None:
    """None: nothing was recorded yet."""
    for one in recorded:
        if isinstance(one.event, e.BuildRequested):
            asked = one.event
            state = BuildState(asked.build, asked.steps, asked.source, asked.file, asked.by)
        elif state is not None:
            state = apply_build(one.event, state, one.at)
        if state is not None:
            state = replace(state, version=one.version)
    return state


def apply_build(event: e.Event, state: BuildState, at: datetime) -> BuildState:
    match event:
        case e.CiStepStarted(step=step, attempt=attempt, why=why):
            run = StepRun(step, attempt, started_at=at, why=why)
            return replace(state, runs={**state.runs, step: run}, failures=())
        case e.CiStepEnded(step=step):
            return replace(state, runs={**state.runs, step: _ended(state.runs[step], event, at)}, failures=())
        case e.ImageProvided(service=service):
            return replace(state, images={**state.images, service: event})
        case e.BuildCancelled(why=why):
            return replace(state, cancelled_at=at, why=why)
        case e.BuildEnded(outcome=outcome, why=why, release=release):
            return replace(state, outcome=outcome, ended_at=at, why=why, release=release)
        case e.EffectFailed(effect=effect, why=why, attempt=attempt, hopeless=hopeless):
            failure = Failure(effect, why, attempt, at, hopeless)
            return replace(state, failures=(*state.failures, failure)[-KEPT_FAILURES:])
    return state


def _ended(run: StepRun, event: e.CiStepEnded, at: datetime) -> StepRun:
    return replace(
        run,
        ended_at=at,
        outcome=event.outcome,
        seconds=event.seconds,
        tests=event.tests,
        findings=event.findings,
        why=event.why,
    )
