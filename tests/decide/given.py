"""Builders for tests as data: states and looks in one line, and events and effects in words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.decide import compile as strategy
from headgate.decide.fold import apply
from headgate.decide.judging import learnt
from headgate.decide.plan import plan
from headgate.decide.rules import decide
from headgate.model import events as e
from headgate.model.checks import Check, JobSeen
from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId, RolloutId
from headgate.model.measurements import Measurement, Sample, Window
from headgate.model.observations import Instance, Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Request, Rollout
from headgate.model.routes import Address, Backend, Routes, RoutesSeen
from headgate.model.rules import AnalysisRules, Deadlines, Environment, Strategy
from headgate.model.services import Service
from headgate.model.steps import describe

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PRODUCTION = EnvironmentId("pcw/production")
ADDRESSES = {"web": Address("http://public", "http://mesh", "http://preview")}


Second = tuple[Sample | None, Sample | None, tuple[str, ...]]  # of the candidate, of the stable, what is missing


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def ago(number: float) -> datetime:
    return NOW - seconds(number)


def revision(label: str, configuration: str = "", replicas: int = 2, services: Sequence[str] = ("web",)) -> Revision:
    return Revision(
        RevisionId(f"rev_{label}{configuration}"),
        PRODUCTION,
        ReleaseId(f"rel_{label}"),
        commit=f"{label}{'0' * 38}",
        label=label,
        services=tuple(Service(name, (name,), 8000, replicas=replicas) for name in services),
        author="Ann Author <ann@example.org>",
    )


V0, V1, V2, V3 = (revision(label) for label in ("v0", "v1", "v2", "v3"))

CANARY = Environment(
    "production",
    platform="process",
    strategy=Strategy("canary", (5, 25)),
    checks=(Check("e2e", "run", "pytest"),),
    analysis=AnalysisRules(minimum_requests=50, at_least=seconds(60), deadline=seconds(600)),
    bake=seconds(30),
    keep_warm=seconds(300),
    deadlines=Deadlines(ready=seconds(120), weight=seconds(30), retire=seconds(120), drain=seconds(30)),
)
BLUE_GREEN = replace(CANARY, strategy=Strategy("blue-green"))
ALL_AT_ONCE = replace(CANARY, strategy=Strategy("all-at-once"), bake=seconds(0), keep_warm=seconds(0))


def steps_of(rules: Environment, first: bool = False) -> list[str]:
    return numbered([describe(step) for step in strategy.steps(rules, first)])


def numbered(names: Sequence[str]) -> list[str]:
    """The second "analyze" is "analyze 2", and so on."""
    return [f"{n} {names[: i + 1].count(n)}" if names[: i + 1].count(n) > 1 else n for i, n in enumerate(names)]


def rollout(at: str, candidate: Revision = V2, rules: Environment = CANARY, **changes: Any) -> Rollout:
    """A rollout that walked to the step of that name ten seconds ago, and `measured` those seconds there."""
    measured: Sequence[Second] = changes.pop("measured", ())
    kind, replaces = changes.pop("kind", "deploy"), changes.pop("replaces", V1.id)
    back = kind == "rollback"
    steps = strategy.rollback_steps(rules) if back else strategy.steps(rules, first=replaces is None)
    position = numbered([describe(step) for step in steps]).index(at)
    flight = replace(
        Rollout(
            id=RolloutId("rol_2"),
            kind=kind,
            revision=candidate,
            replaces=replaces,
            steps=steps,
            strategy=rules.strategy,
            analysis=rules.analysis,
            deadlines=rules.deadlines,
            by="bob",
            started_at=ago(100),
            step_started_at=ago(10),
            position=position,
            last_tick_at=ago(2),
        ),
        **changes,
    )
    return lived(flight, measured) if measured else flight


def lived(flight: Rollout, measured: Sequence[Second]) -> Rollout:
    """With the evidence of the stable alone, and then of what was measured at this step; the last tick ended at NOW."""
    begin = len(ALONE) + len(measured)
    for number, (candidate, stable, missing) in enumerate([*ALONE, *measured], start=1):
        tick = measurement(candidate, stable, missing, number, Window(ago(begin - number + 1), ago(begin - number)))
        there = replace(flight, position=0) if number <= len(ALONE) else flight
        flight = replace(flight, evidence=learnt(there, V1, tick))
    return replace(flight, ticks=begin, last_tick_at=NOW)


def state(flight: Rollout | None = None, stable: Revision | None = V1, **changes: Any) -> EnvironmentState:
    base = EnvironmentState(
        PRODUCTION,
        version=7,
        stable=stable,
        stable_since=ago(5000) if stable else None,
        strategy=flight.strategy if flight else CANARY.strategy,
        rollout=flight,
        draining_since=ago(5000),
    )
    return replace(base, **changes)


def request(wanted: Revision, asked: float = 10, kind: Any = "deploy") -> Request:
    return Request(wanted, RolloutId("rol_9"), kind, "bob", "", ago(asked))


def instances(which: Mapping[str, str]) -> tuple[Instance, ...]:
    """{"v1": "ready ready", "v2": "starting exited/3"}: state/restarts of each copy of `web`."""
    found = []
    for label, states in which.items():
        for number, one in enumerate(states.split()):
            condition, _, restarts = one.partition("/")
            name, address = f"{label}-{number}", f"127.0.0.1:{int(label[1]) * 1000 + number}"
            detail = "exit code 1" if condition == "exited" else ""
            instance = Instance(
                name,
                RevisionId(f"rev_{label}"),
                "web",
                address,
                condition,
                int(restarts or 0),
                detail,  # type: ignore[arg-type]
            )
            found.append(instance)
    return tuple(found)


def routes(
    weights: Mapping[str, int], preview: str | None = None, ports: Mapping[str, Sequence[int]] | None = None
) -> Routes:
    """Both instances of each revision, unless `ports` says which."""
    backends = []
    for label, weight in weights.items():
        numbers = (ports or {}).get(label, (0, 1))
        addresses = tuple(f"127.0.0.1:{int(label[1]) * 1000 + number}" for number in numbers)
        backends.append(Backend(RevisionId(f"rev_{label}"), weight, {"web": addresses} if addresses else {}))
    return Routes(PRODUCTION, tuple(backends), RevisionId(f"rev_{preview}") if preview else None)


BOTH = {"v2": "ready ready", "v1": "ready ready"}


def seen(
    running: Mapping[str, str] | None = BOTH,
    routed: Routes | str | None = "blind",
    busy: Sequence[str] = (),
    **more: Any,
) -> Seen:
    """`running` None: the platform is unreachable. `routed` "blind": the router is; None: it was never told."""
    active = {RevisionId(f"rev_{label}"): 1 for label in busy}
    base = Seen(
        rules=CANARY,
        instances=None if running is None else instances(running),
        routes=None if isinstance(routed, str) else RoutesSeen(routed, active),
        addresses=ADDRESSES,
    )
    return replace(base, **more)


def job(flight: Rollout, condition: Any, detail: str = "") -> tuple[JobSeen, ...]:
    return (JobSeen(JobId(f"{flight.id}-{flight.position}-{flight.attempt}"), condition, detail),)


def sample(requests: int, errors: int = 0, slow: int = 0) -> Sample:
    """Answers take 50 ms, the slow ones 200 ms."""
    return Sample(requests, errors, {45: requests - slow, 61: slow} if slow else {45: requests} if requests else {})


LAST = Window(ago(2), NOW)


def measurement(
    candidate: Sample | None, stable: Sample | None, missing: Sequence[str] = (), tick: int = 1, window: Window = LAST
) -> Measurement:
    arms = [{"web": one} if one else {} for one in (candidate, stable)]
    return Measurement(tick, window, arms[0], arms[1], tuple(missing))


USUAL = sample(760, 2)
ALONE: list[Second] = [(None, USUAL, ())] * 10
WELL: list[Second] = [(sample(40), USUAL, ())] * 70
SHORT: list[Second] = [(sample(80), sample(1520, 4), ())] * 30  # as good, and no minute yet
WORSE: list[Second] = [(sample(40, 8), USUAL, ())] * 40
FEW: list[Second] = [(sample(2), USUAL, ())] * 10
BLIND: list[Second] = [*WELL, (sample(40), USUAL, ("the source is down",))]
WELL_BAKED: list[Second] = [(sample(440, 1), None, ())] * 30
BADLY_BAKED: list[Second] = [(sample(440, 60), None, ())] * 40
BLINDLY_BAKED: list[Second] = [*WELL_BAKED, (None, None, ("the source is down",))]


def turn(now_state: EnvironmentState, look: Seen, now: datetime = NOW) -> tuple[list[str], list[str]]:
    """What follows from one look, in words: events, then effects."""
    events = decide(now_state, look, now)
    for event in events:
        now_state = apply(event, now_state, now)
    return [told(event) for event in events], [str(effect) for effect in plan(now_state, look, now)]


# The kind and what matters of it; the sentence that says why is tested where it matters.
TOLD = {
    e.StepCompleted: "StepCompleted {0.index}",
    e.StepsSkipped: "StepsSkipped to {0.to}",
    e.VerdictReached: "VerdictReached {0.verdict.outcome}",
    e.RolloutEnded: "RolloutEnded {0.outcome}",
    e.RolloutStarted: "RolloutStarted {0.kind} {0.revision.label}",
    e.ReleaseRequested: "ReleaseRequested {0.kind} {0.revision.label}",
    e.ReleaseDropped: "ReleaseDropped {0.release}",
    e.ReleaseSuperseded: "ReleaseSuperseded {0.release}",
    e.RevisionPromoted: "RevisionPromoted {0.revision}",
    e.RolloutAborted: "RolloutAborted by {0.by}",
}


def told(event: e.Event) -> str:
    return TOLD.get(type(event), type(event).__name__).format(event)
