"""A canary beside a baseline: named at the start, ready with the candidate, given up without harm, gone at the end."""

import re
from dataclasses import dataclass, replace

import pytest
from tests.decide.given import (
    ALONE,
    BLUE_GREEN,
    BOTH,
    CANARY,
    NOW,
    USUAL,
    V0,
    V1,
    V2,
    ago,
    measurement,
    request,
    revision,
    rollout,
    routes,
    sample,
    seconds,
    seen,
    state,
    steps_of,
    turn,
)

from headgate.decide.baseline import fewest_instances, with_traffic
from headgate.decide.explain import waits_for
from headgate.decide.fold import apply
from headgate.decide.judging import learnt, policy_of
from headgate.decide.plan import plan, wanted
from headgate.decide.rules import decide, start
from headgate.model import events as e
from headgate.model.ids import RevisionId, RolloutId
from headgate.model.measurements import Measurement, Window
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


# --- what it is compared with


@pytest.mark.parametrize(
    ("routed", "stable", "baseline"),
    [
        ({"v1": 100}, V1, None),
        (AT_HOME, V1, None),
        (ON_5, V1, FRESH),
        (ON_50, None, FRESH),
        ({"v2": 100, "v1": 0, "b9": 0}, None, None),
        ({"v2": 5, "v1": 95}, V1, None),
    ],
)
def test_who_answers_users_is_measured(routed: dict[str, int], stable: object, baseline: object) -> None:
    assert with_traffic(at(LOOK_5), routes(routed)) == {"stable": stable, "baseline": baseline}


def ticks(*arms: str) -> list[Measurement]:
    """After ten seconds of the stable alone, one second each; the candidate and every other answer 760 requests."""
    alone = [measurement(*one, tick=n, window=window(n)) for n, one in enumerate(ALONE, start=1)]
    more = [measurement(sample(760), USUAL, tick=n, window=window(n)) for n in range(11, 11 + len(arms))]
    beside = {"stable": {}, "baseline": {"web": USUAL}}
    return [*alone, *(replace(one, baseline=beside[arm]) for one, arm in zip(more, arms, strict=True))]


def window(number: int) -> Window:
    return Window(NOW + seconds(number - 1), NOW + seconds(number))


def lived(*arms: str) -> Rollout:
    moved = flight(LOOK_5)
    for tick in ticks(*arms):
        there = replace(moved, position=0) if tick.tick <= len(ALONE) else moved
        moved = replace(moved, evidence=learnt(there, V1, tick))
    return moved


def test_a_stage_begins_anew_where_another_arm_takes_over() -> None:
    seen_so_far = lived(*["baseline"] * 5).evidence
    assert (seen_so_far.against, seen_so_far.watched) == ("baseline", 4.0)  # type: ignore[attr-defined]
    assert seen_so_far.services["web"].share.stable == 5 * 760  # type: ignore[attr-defined]
    after = lived(*["baseline"] * 5, "stable", "stable", "stable").evidence
    assert (after.against, after.watched) == ("stable", 2.0)  # type: ignore[attr-defined]
    assert after.services["web"].share.stable == 2 * 760, "the tick in between belongs to neither"  # type: ignore[attr-defined]
    assert all(one.tally.answers == 2 * 760 for one in after.services["web"].rates)  # type: ignore[attr-defined]


def test_what_is_slow_is_learnt_from_the_stable_too_while_the_baseline_is_compared_with() -> None:
    """At little traffic the baseline alone would need minutes for the thousand latencies that this takes."""
    few, many = sample(40), sample(700)
    moved = flight(LOOK_5)
    for number in (1, 2):
        tick = replace(measurement(few, many, tick=number, window=window(number)), baseline={"web": few})
        moved = replace(moved, evidence=learnt(moved, V1, tick))
    service = moved.evidence.services["web"]  # type: ignore[attr-defined]
    assert service.earlier is None
    assert (service.share.candidate, service.share.stable) == (80, 80), "nothing else is compared"


def test_an_equal_share_is_the_due_share_beside_a_baseline_only() -> None:
    def nats(arm: str) -> float:
        return max(lived(*[arm] * 6).evidence.services["web"].share.nats)  # type: ignore[attr-defined]

    assert nats("baseline") < 0 < nats("stable")


# --- the margin between instances


@pytest.mark.parametrize(
    ("candidate", "other", "fewest"),
    [
        (V2, None, (1, 1)),
        (revision("v2", replicas=3), revision("v1", replicas=5), (3, 5)),
        (revision("v2", services=("api",)), V1, (1, 1)),
    ],
)
def test_the_fewest_copies_of_a_service_that_both_have(
    candidate: Revision, other: Revision | None, fewest: tuple[int, int]
) -> None:
    assert fewest_instances(candidate, other) == fewest


def test_the_smallest_service_decides_and_one_that_only_one_has_does_not() -> None:
    sizes = ((4, "web"), (2, "api"), (1, "old"))
    web, api, old = (revision("v1", replicas=n, services=(name,)).services for n, name in sizes)
    candidate = replace(V2, services=(*web, *api))
    assert fewest_instances(candidate, replace(V1, services=(*web, *api, *old))) == (2, 2)


def test_instances_are_those_of_the_arm_that_is_compared_with() -> None:
    rules = replace(BESIDE, analysis=replace(BESIDE.analysis, instance_spread=0.1))
    wide = revision("v1", replicas=8)
    before = state(stable=wide, waiting=request(V2))
    (started,) = decide(before, replace(seen({}, routes({})), rules=rules), NOW)[:1]
    beside = apply(started, before, NOW)
    assert policy_of(beside.rollout).instances == (2, 2)  # type: ignore[arg-type]
    alone = apply(e.BaselineDropped(beside.rollout.id, ""), beside, NOW)  # type: ignore[union-attr]
    assert policy_of(alone.rollout).instances == (2, 8)  # type: ignore[arg-type]
    margins = [p.widened(p.latency).harm for p in (policy_of(one.rollout) for one in (beside, alone))]  # type: ignore[arg-type]
    assert margins == pytest.approx([3 * 0.1 * (1 / 2 + 1 / 2) ** 0.5, 3 * 0.1 * (1 / 2 + 1 / 8) ** 0.5])
