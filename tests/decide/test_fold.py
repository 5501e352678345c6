"""What happened makes what is."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.decide.given import (
    ALL_AT_ONCE,
    BLUE_GREEN,
    CANARY,
    NOW,
    PRODUCTION,
    USUAL,
    V0,
    V1,
    V2,
    ago,
    measurement,
    request,
    rollout,
    sample,
    seconds,
    state,
)

from headgate.decide.compile import rollback_steps, steps
from headgate.decide.fold import KEPT_FAILURES, apply, empty, fold
from headgate.model import events as e
from headgate.model.approvals import ApprovalGiven
from headgate.model.checks import CheckEnded, CheckOutcome, latest
from headgate.model.ids import JobId, RolloutId
from headgate.model.rollouts import EnvironmentState
from headgate.model.steps import Analyze, Retire, SetWeight, describe
from headgate.model.verdicts import Outcome, Verdict

ROL = RolloutId("rol_2")
FLIGHT = state(rollout("analyze"))
EVENTS: list[e.Event] = [
    e.ReleaseRequested(V2, ROL, "deploy", "bob", ""),
    ApprovalGiven(V2.release, "cleo", ""),
    e.RolloutStarted(
        ROL, "deploy", V2, None, steps(CANARY, True), CANARY.strategy, CANARY.analysis, CANARY.deadlines, "bob", ""
    ),
    e.StepCompleted(ROL, 0, "started"),
    e.EffectFailed("run rev_v2", "no memory", 1),
    CheckEnded(ROL, V2.release, 3, "e2e", "run", True, JobId("rol_2-3-1"), 1, 3, "failed", "no"),
    e.MeasurementTaken(ROL, measurement(sample(40), USUAL)),
    e.VerdictReached(ROL, 1, Verdict(Outcome.PASS, "well")),
    e.RolloutPaused(ROL, "bob", ""),
    e.RolloutResumed(ROL, "bob", ""),
    e.StepsSkipped(ROL, 5, "bob", ""),
    e.RevisionPromoted(ROL, V2.id, NOW, "well"),
    e.RolloutAborted(ROL, "bob", "no"),
    e.RolloutEnded(ROL, "promoted", "over"),
    e.ReleaseDropped(V2.release, ""),
    e.ReleaseSuperseded(V2.release, V1.release, ""),
    e.QuarantineLifted(V2.release, "bob", ""),
]


def recorded(events: list[e.Event]) -> list[e.Recorded]:
    return [
        e.Recorded("environment:pcw/production", n, n, NOW + seconds(n), one) for n, one in enumerate(events, start=1)
    ]


@given(st.lists(st.sampled_from(EVENTS), max_size=12), st.integers(0, 12))
def test_a_log_folds_to_one_state_wherever_it_is_cut_and_never_fails(events: list[e.Event], cut: int) -> None:
    whole = recorded(events)
    assert fold(empty(PRODUCTION), whole) == fold(fold(empty(PRODUCTION), whole[:cut]), whole[cut:])


def test_the_version_is_that_of_the_last_event() -> None:
    assert fold(empty(PRODUCTION), recorded(EVENTS)).version == len(EVENTS)
    assert fold(FLIGHT, []) is FLIGHT


def after(event: e.Event, before: EnvironmentState = FLIGHT) -> EnvironmentState:
    return apply(event, before, NOW)


def test_a_step_begins_with_a_clean_slate() -> None:
    busy = state(rollout("analyze", verdict=Verdict(Outcome.PASS, "")), failures=())
    busy = after(e.EffectFailed("set routes", "no", 3), busy)
    moved = after(e.StepCompleted(ROL, 5, "well"), busy)
    assert moved.rollout
    assert (moved.rollout.position, moved.rollout.step_started_at) == (6, NOW)
    assert (moved.rollout.verdict, moved.failures) == (None, ())


def test_evidence_grows_with_every_measurement_and_outlives_the_step() -> None:
    once = after(e.MeasurementTaken(ROL, measurement(sample(40), USUAL)))
    twice = after(e.MeasurementTaken(ROL, measurement(sample(40), USUAL, ["blind"], tick=2)), once)
    assert once.rollout
    assert twice.rollout
    assert once.rollout.evidence != twice.rollout.evidence
    later = after(e.StepCompleted(ROL, 5, ""), twice)
    assert later.rollout
    assert (later.rollout.ticks, later.rollout.evidence) == (2, twice.rollout.evidence)


def test_a_measurement_that_comes_twice_counts_once() -> None:
    taken = e.MeasurementTaken(ROL, measurement(sample(40), USUAL))
    assert after(taken, after(taken)) == after(taken)


def test_without_a_stable_there_is_nothing_to_compare() -> None:
    first = after(e.MeasurementTaken(ROL, measurement(sample(40), None)), state(FLIGHT.rollout, stable=None))
    assert first.rollout
    assert first.rollout.evidence is None


def test_what_was_held_at_its_deadline_has_all_its_time_again() -> None:
    held = state(rollout("analyze", step_started_at=ago(700), phase="paused", paused_at=ago(90)))
    paused = state(rollout("analyze", step_started_at=ago(700), phase="paused", paused_at=ago(650)))
    resumed = [after(e.RolloutResumed(ROL, "bob", ""), one).rollout for one in (held, paused)]
    assert [one.step_started_at for one in resumed if one] == [NOW, ago(50)]


def test_promotion_swaps_stable_and_previous() -> None:
    promoted = after(e.RevisionPromoted(ROL, V2.id, NOW, "well"))
    assert (promoted.stable, promoted.previous, promoted.warm_until) == (V2, V1, NOW)
    assert promoted.promoted == {V2.release: NOW}
    assert promoted.soaked == {V1.release: seconds(5000)}


def test_an_abort_refuses_the_release() -> None:
    assert after(e.RolloutAborted(ROL, "bob", "slow")).refused == {V2.release: (NOW, "slow")}


def test_an_aborted_rollback_refuses_nothing() -> None:
    back = state(rollout("weight 100", kind="rollback"))
    assert after(e.RolloutAborted(ROL, "bob", "changed my mind"), back).refused == {}


def test_aborting_new_configuration_of_the_stable_refuses_nothing() -> None:
    assert after(e.RolloutAborted(ROL, "bob", "no"), state(FLIGHT.rollout, stable=V2)).refused == {}


def test_a_rollout_takes_what_waited_for_it_and_leaves_what_did_not() -> None:
    mine = replace(request(V2), rollout=ROL)
    assert after(EVENTS[2], state(waiting=mine)).waiting is None
    assert after(EVENTS[2], state(waiting=request(V2))).waiting is not None


def test_what_was_warm_is_not_started_again_after_an_abort() -> None:
    warm = state(previous=V0, warm_until=NOW + seconds(600))
    started = after(EVENTS[2], warm)
    assert (started.previous, started.warm_until) == (V0, None)


def test_failures_are_not_kept_for_ever() -> None:
    now_state = FLIGHT
    for attempt in range(50):
        now_state = after(e.EffectFailed("set routes", "no", attempt), now_state)
    assert len(now_state.failures) == KEPT_FAILURES
    assert now_state.failures[-1].attempt == 49


def test_resuming_what_is_not_paused_changes_nothing() -> None:
    assert after(e.RolloutResumed(ROL, "bob", "")) == FLIGHT


def test_a_past_rollout_says_when_and_why() -> None:
    ended = after(e.RolloutEnded(ROL, "aborted", "home"), state(rollout("analyze", why="errors 9 %")))
    assert (ended.rollout, ended.past[0].outcome, ended.past[0].why) == (None, "aborted", "errors 9 %")
    assert (ended.past[0].started_at, ended.past[0].ended_at) == (ago(100), NOW)


class TestCompile:
    def test_canary(self) -> None:
        assert [describe(step) for step in steps(CANARY, first=False)] == [
            *("start", "await ready", "check smoke (preview)", "check e2e (preview)"),
            *("weight 5", "analyze", "weight 25", "analyze", "weight 100", "check smoke", "bake", "retire"),
        ]

    def test_blue_green(self) -> None:
        assert [describe(step) for step in steps(BLUE_GREEN, first=False)] == [
            *("start", "await ready", "check smoke (preview)", "check e2e (preview)"),
            *("weight 100", "check smoke", "bake", "retire"),
        ]

    def test_without_a_bake(self) -> None:
        assert "bake" not in [describe(step) for step in steps(ALL_AT_ONCE, first=False)]

    def test_the_first_has_nothing_to_compare_with(self) -> None:
        kinds = {type(step) for step in steps(CANARY, first=True)}
        assert Analyze not in kinds
        assert [step.weight for step in steps(CANARY, first=True) if isinstance(step, SetWeight)] == [100]

    def test_a_rollback_waits_for_nothing_but_readiness(self) -> None:
        assert [describe(step) for step in rollback_steps(CANARY)] == ["start", "await ready", "weight 100", "retire"]

    def test_every_strategy_ends_at_100_and_with_retire(self) -> None:
        for rules in (CANARY, BLUE_GREEN, ALL_AT_ONCE):
            for compiled in (steps(rules, True), steps(rules, False), rollback_steps(rules)):
                assert isinstance(compiled[-1], Retire)
                assert [step.weight for step in compiled if isinstance(step, SetWeight)][-1] == 100

    def test_every_step_has_a_deadline(self) -> None:
        assert all(step.deadline > seconds(0) for step in steps(CANARY, first=False))


def attempt(number: int, outcome: CheckOutcome, preview: bool = True) -> CheckEnded:
    numbers = {"p90_ms": 12.5}
    job = JobId(f"rol_2-3-{number}")
    return CheckEnded(ROL, V2.release, 3, "e2e", "run", preview, job, number, 3, outcome, "told", numbers)


def test_attempts_are_counted_until_one_passes_and_are_kept_with_the_release() -> None:
    found = state(rollout("check e2e (preview)"))
    counted = []
    for event in (attempt(1, "failed"), attempt(2, "lost"), attempt(3, "failed")):
        found = apply(event, found, NOW)
        assert found.rollout is not None
        counted.append(found.rollout.attempt)
    assert counted == [2, 3, 3]
    kept = found.checks[V2.release]
    assert [one.told for one in kept] == [
        "failed at attempt 1 of 3: told",
        "was lost at attempt 2 of 3: told",
        "failed at attempt 3 of 3: told",
    ]
    assert kept[0].numbers == {"p90_ms": 12.5}
    walked = apply(e.StepCompleted(ROL, 3, "passed"), found, NOW)
    assert walked.rollout is not None
    assert (walked.rollout.attempt, walked.rollout.ended) == (1, None)
    assert walked.checks == found.checks


def test_what_a_check_came_to_at_last_counts_before_and_after_the_switch_by_itself() -> None:
    found = state(rollout("check e2e (preview)"))
    for event in (attempt(1, "failed"), attempt(2, "passed"), attempt(1, "failed", preview=False)):
        found = apply(event, found, NOW)
    shown = [(one.preview, one.attempt, one.passed) for one in latest(found.checks[V2.release])]
    assert shown == [(True, 2, True), (False, 1, False)]
