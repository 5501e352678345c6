"""A canary beside a baseline: named at the start, ready with the candidate, given up without harm, gone at the end."""

import re
from dataclasses import dataclass, replace

import pytest
from tests.decide.given import (
    BLUE_GREEN,
    BOTH,
    CANARY,
    NOW,
    V0,
    V1,
    V2,
    ago,
    request,
    revision,
    rollout,
    routes,
    seconds,
    seen,
    state,
    steps_of,
    turn,
)

from headgate.decide.explain import waits_for
from headgate.decide.fold import apply
from headgate.decide.plan import plan, wanted
from headgate.decide.rules import decide
from headgate.decide.starting import start
from headgate.model import events as e
from headgate.model.ids import RevisionId, RolloutId
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Failure, Rollout
from headgate.model.rules import Environment, Strategy

BESIDE = replace(CANARY, strategy=Strategy("canary", (5, 50, 60), baseline=True))
FRESH = replace(V1, id=RevisionId("rev_b9"), label="v1 (baseline)")
START, READY, SMOKE, _, AT_5, LOOK_5, AT_50, LOOK_50, AT_60, LOOK_60, AT_100, *_, RETIRE = steps_of(BESIDE)
ALL = {**BOTH, "b9": "ready ready"}
AT_HOME = {"v2": 0, "b9": 0, "v1": 100}
ON_5 = {"v2": 5, "b9": 5, "v1": 90}
ON_50 = {"v2": 50, "b9": 50, "v1": 0}


def flight(at: str, **changes: object) -> Rollout:
    return rollout(at, rules=BESIDE, baseline=FRESH, **changes)


def at(step: str, **changes: object) -> EnvironmentState:
    return state(flight(step, **changes))


def look(running: dict[str, str], routed: dict[str, int], **more: object) -> Seen:
    return seen(running, routes(routed, "v2"), **more)


# --- named when the rollout starts


def begun(rules: Environment = BESIDE, candidate: Revision = V2, kind: str = "deploy", **changes: object) -> object:
    return start(state(**changes), rules, request(candidate, kind=kind)).baseline


def test_it_is_the_stable_under_an_id_of_its_own() -> None:
    named = begun()
    assert isinstance(named, Revision)
    assert re.fullmatch("rev_[0-9a-f]{12}", named.id)
    assert named.label == "v1 (baseline)"
    assert replace(named, id=V1.id, label=V1.label) == V1
    assert begun() == named, "a decision that is made again is the same"


def test_no_two_rollouts_and_no_two_stables_share_one() -> None:
    names = {begun().id, begun(stable=V0).id}  # type: ignore[attr-defined]
    other = replace(request(V2), rollout=RolloutId("rol_10"))
    names.add(start(state(), BESIDE, other).baseline.id)  # type: ignore[union-attr]
    assert len(names) == 3


def test_it_has_as_many_copies_as_the_candidate() -> None:
    stable = replace(V1, services=revision("v1", replicas=6, services=("web", "old")).services)
    named = begun(candidate=revision("v2", replicas=1), stable=stable)
    assert {one.name: one.replicas for one in named.services} == {"web": 1, "old": 6}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "without",
    [
        pytest.param(begun(CANARY), id="not asked for"),
        pytest.param(begun(replace(BLUE_GREEN, strategy=Strategy("blue-green", baseline=True))), id="no canary"),
        pytest.param(begun(stable=None), id="no stable"),
        pytest.param(begun(kind="rollback"), id="a rollback compares nothing"),
        pytest.param(begun(candidate=revision("v2", services=("api",))), id="no service in common"),
    ],
)
def test_there_is_none_where_nothing_is_compared(without: object) -> None:
    assert without is None


# --- one look


@dataclass(frozen=True)
class Case:
    id: str
    state: EnvironmentState
    seen: Seen
    events: list[str]
    effects: list[str]


def done(step: str) -> str:
    return f"StepCompleted {steps_of(BESIDE).index(step)}"


CHECK = "run check smoke (rol_2-2-1)"
FAILED_RUN = (Failure("run rev_b9", "no memory", 5, ago(9)),)

CASES = [
    Case(
        "both are started",
        at(START),
        seen({"v1": "ready ready"}, routes({"v1": 100})),
        [],
        ["run rev_v2", "run rev_b9"],
    ),
    Case(
        "the candidate is ready and waits for it",
        at(READY),
        look({**BOTH, "b9": "starting starting"}, {"v2": 0, "v1": 100}),
        [],
        [],
    ),
    Case(
        "both are ready, and named with no weight",
        at(READY),
        look(ALL, {"v2": 0, "v1": 100}),
        [done(READY)],
        ["set routes (rev_v2 0, rev_b9 0, rev_v1 100)", CHECK],
    ),
    Case(
        "not ready in time: given up, and the candidate goes on",
        at(READY, step_started_at=ago(121)),
        look({**BOTH, "b9": "ready starting"}, {"v2": 0, "v1": 100}),
        ["BaselineDropped", done(READY)],
        [CHECK, "stop rev_b9"],
    ),
    Case(
        "neither is ready in time: that is the candidate's failure",
        at(READY, step_started_at=ago(121)),
        seen({"v1": "ready ready", "v2": "starting", "b9": "starting"}, routes({"v1": 100})),
        ["RolloutAborted by headgate", "RolloutEnded aborted"],
        ["stop rev_v2", "stop rev_b9"],
    ),
    Case(
        "it crashes in a loop: given up",
        at(SMOKE),
        look({**BOTH, "b9": "exited/3 exited/3"}, {"v2": 0, "v1": 100}),
        ["BaselineDropped"],
        [CHECK, "stop rev_b9"],
    ),
    Case(
        "it cannot be started: given up",
        state(flight(READY), failures=FAILED_RUN),
        look(BOTH, {"v2": 0, "v1": 100}),
        ["BaselineDropped", done(READY)],
        [CHECK],
    ),
    Case(
        "weight 5: as much for the baseline",
        at(AT_5),
        look(ALL, AT_HOME),
        [],
        ["set routes (rev_v2 5, rev_b9 5, rev_v1 90)"],
    ),
    Case(
        "weight 50: the rest for the baseline",
        at(AT_50),
        look(ALL, ON_5),
        [],
        ["set routes (rev_v2 50, rev_b9 50, rev_v1 0)"],
    ),
    Case(
        "weight 60: the rest for the baseline",
        at(AT_60),
        look(ALL, ON_50),
        [],
        ["set routes (rev_v2 60, rev_b9 40, rev_v1 0)"],
    ),
    Case(
        "the stable is not ready: the baseline is the same code, and stands in for it",
        at(AT_5),
        look({**ALL, "v1": "unready unready"}, AT_HOME),
        [],
        ["set routes (rev_v2 5, rev_b9 95, rev_v1 0)"],
    ),
    Case(
        "it dies while it serves: its share goes home at once, and the rollout goes on",
        at(LOOK_50),
        look({**BOTH, "b9": "exited exited"}, ON_50),
        ["BaselineDropped"],
        ["set routes (rev_v2 50, rev_v1 50, rev_b9 0)"],
    ),
    Case(
        "one of its copies dies: it is started again",
        at(LOOK_5),
        look({**BOTH, "b9": "ready exited"}, ON_5),
        [],
        ["run rev_b9", "set routes (rev_v2 5, rev_b9 5, rev_v1 90)"],
    ),
    Case(
        "weight 100: it keeps its name without a weight, to drain",
        at(AT_100),
        look(ALL, {"v2": 60, "b9": 40, "v1": 0}),
        [],
        ["set routes (rev_v2 100, rev_v1 0, rev_b9 0)"],
    ),
    Case(
        "weight 100, and drained: it leaves the routes",
        at(AT_100, step_started_at=ago(1)),
        look(ALL, {"v2": 100, "v1": 0, "b9": 0}),
        [done(AT_100)],
        ["set routes (rev_v2 100, rev_v1 0)", "run check smoke (rol_2-11-1)"],
    ),
    Case(
        "and then it is stopped",
        at(AT_100, step_started_at=ago(1)),
        look(ALL, {"v2": 100, "v1": 0}),
        [done(AT_100)],
        ["run check smoke (rol_2-11-1)", "stop rev_b9"],
    ),
    Case(
        "an abort: everybody goes home in one step",
        at(LOOK_50, phase="aborting"),
        look(ALL, ON_50),
        [],
        ["set routes (rev_v1 100, rev_v2 0, rev_b9 0)"],
    ),
    Case(
        "the candidate dies: everybody goes home in one step",
        at(LOOK_50),
        look({"v1": "ready ready", "b9": "ready ready", "v2": "exited exited"}, ON_50),
        ["RolloutAborted by headgate"],
        ["set routes (rev_v1 100, rev_v2 0, rev_b9 0)"],
    ),
    Case(
        "blind: nothing is given up",
        at(LOOK_50),
        seen(None, routes(ON_50, "v2")),
        [],
        [],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_one_look(case: Case) -> None:
    assert turn(case.state, case.seen) == (case.events, case.effects)


def test_what_became_of_it_is_said() -> None:
    waiting = look({**BOTH, "b9": "starting exited"}, {"v2": 0, "v1": 100})
    assert "v1 (baseline): ready: web 0 of 2 (exit code 1)" in waits_for(at(READY), waiting, NOW)[0]
    (dropped, *_) = decide(at(READY, step_started_at=ago(121)), waiting, NOW)
    assert isinstance(dropped, e.BaselineDropped)
    assert dropped.why == (
        "not ready within 120 s: ready: web 0 of 2 (exit code 1); "
        "from here the candidate is compared with the stable itself"
    )


def test_it_drains_from_the_moment_that_it_is_no_longer_wanted() -> None:
    """Not from an earlier one, after which its requests would be cut off."""
    before = state(flight(LOOK_60), draining_since=ago(5000))
    for event in (
        e.StepCompleted(before.rollout.id, before.rollout.position, ""),  # type: ignore[union-attr]
        e.StepsSkipped(before.rollout.id, steps_of(BESIDE).index(AT_100), "bob", ""),  # type: ignore[union-attr]
        e.BaselineDropped(before.rollout.id, ""),  # type: ignore[union-attr]
    ):
        after = apply(event, before, NOW)
        assert after.draining_since == NOW
        left = {"v2": 60, "v1": 40, "b9": 0} if isinstance(event, e.BaselineDropped) else {"v2": 100, "v1": 0, "b9": 0}
        busy = look(ALL, left, busy=["b9"])
        assert plan(after, busy, NOW + seconds(29)) == [], "its last requests are waited for"
        assert "rev_b9" not in str(plan(after, busy, NOW + seconds(31))[0]), "but not for ever"


@pytest.mark.parametrize("phase", ["running", "paused", "aborting", "retiring"])
def test_never_more_than_three_are_wanted(phase: str) -> None:
    now_state = state(flight(LOOK_5, phase=phase), previous=V0, warm_until=NOW + seconds(60))
    assert len(wanted(now_state, NOW)) == (3 if phase in ("running", "paused") else 1 if phase == "aborting" else 2)
