"""When metrics of the file are read, what is asked, and what becomes of the rollout."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.decide.given import (
    ADDRESSES,
    CANARY,
    NOW,
    V1,
    V2,
    WELL,
    ago,
    measurement,
    rollout,
    routes,
    sample,
    seconds,
    seen,
    state,
    turn,
)  # fmt: skip

from headgate.decide.fold import apply
from headgate.decide.judging import policy_of, verdict_now
from headgate.decide.measuring import due, job_value, questions, reading_id
from headgate.decide.rules import ATTEMPTS
from headgate.model.checks import Check, JobSeen
from headgate.model.conditions import parse
from headgate.model.events import MeasurementTaken
from headgate.model.ids import JobId
from headgate.model.measurements import Value, Window
from headgate.model.metrics import MetricRule, ValueQuery
from headgate.model.rollouts import Failure, Rollout

SOON = NOW + seconds(1)
LOOK_5, BAKE = "analyze", "bake"
ON_5 = routes({"v2": 5, "v1": 95}, preview="v2")
QUERY = ValueQuery("prometheus", 'sum(sales{revision="{revision}"}[{interval}])', {"url": "http://m/{environment}"})
SALES = MetricRule("sales", QUERY, success=parse(">= 3"), interval=seconds(30))
MEMORY = MetricRule("memory", QUERY, worse_by=0.1, interval=seconds(10))
WORK = MetricRule("work", job=Check("work", "run", "true"), success=parse("== 1"))


def flight(*metrics: MetricRule, at: str = LOOK_5, **changes: Any) -> Rollout:
    made = rollout(at, **{"measured": WELL, **changes})
    return replace(made, analysis=replace(made.analysis, metrics=metrics))


def ticked(one: Rollout, values: Mapping[str, Value], at: datetime = SOON) -> Rollout:
    """With one measurement more, of the second behind NOW."""
    window = Window(one.last_tick_at or ago(1), at)
    taken = replace(measurement(sample(40), sample(760, 2), (), one.ticks + 1, window), values=dict(values))
    after = apply(MeasurementTaken(one.id, taken), state(one), at).rollout
    assert after is not None
    return after


def named(one: Rollout, now: datetime = NOW) -> list[str]:
    return [rule.name for rule in due(one, now)]


@pytest.mark.parametrize(
    ("one", "names"),
    [
        pytest.param(flight(SALES, MEMORY), ["sales", "memory"], id="all of them while it is analyzed"),
        pytest.param(flight(SALES, MEMORY, at=BAKE, measured=()), ["sales"], id="while it bakes nothing is compared"),
        pytest.param(flight(SALES, at="weight 5", measured=()), [], id="not while the weight is being set"),
        pytest.param(flight(SALES, at="check e2e (preview)", measured=()), [], id="not without traffic"),
        pytest.param(flight(replace(SALES, initial_delay=seconds(11))), [], id="its delay has not passed"),
        pytest.param(flight(replace(SALES, initial_delay=seconds(10))), ["sales"], id="its delay has passed"),
    ],
)
def test_due(one: Rollout, names: list[str]) -> None:
    assert named(one) == names


def test_the_interval_counts_from_the_last_reading() -> None:
    read = ticked(flight(SALES), {"sales": Value(4.0)})
    assert named(read, NOW + seconds(30)) == []
    assert named(read, NOW + seconds(31)) == ["sales"]
    unread = ticked(flight(SALES), {})
    assert named(unread, NOW + seconds(2)) == ["sales"]


def test_after_its_count_it_is_done() -> None:
    read = ticked(flight(replace(SALES, count=1)), {"sales": Value(4.0)})
    assert named(read, NOW + seconds(300)) == []


def test_what_is_asked_names_the_revision() -> None:
    one = flight(SALES, MEMORY)
    assert [q.expression for q in questions(state(one), one, SALES)] == ['sum(sales{revision="rev_v2"}[30000ms])']
    assert [q.settings for q in questions(state(one), one, SALES)] == [{"url": "http://m/production"}]
    both = [q.expression for q in questions(state(one), one, MEMORY)]
    assert both == ['sum(sales{revision="rev_v2"}[10000ms])', 'sum(sales{revision="rev_v1"}[10000ms])']
    assert (V1.id, V2.id) == ("rev_v1", "rev_v2")


def test_a_job_is_run_once_for_each_reading() -> None:
    twice = replace(WORK, count=2)
    one = flight(twice)
    job = reading_id(one, twice)
    look = seen(routed=ON_5, addresses=ADDRESSES)
    assert turn(state(one), look)[1] == [f"run check work ({job})"]
    assert turn(state(one), replace(look, jobs=(JobSeen(job, "running"),)))[1] == []
    later = ticked(one, {"work": Value(1.0)})
    assert turn(state(later), look)[1] == []
    assert reading_id(later, twice) != job


def test_a_paused_rollout_starts_no_job() -> None:
    one = flight(WORK, phase="paused", paused_at=ago(1))
    assert turn(state(one), seen(routed=ON_5, addresses=ADDRESSES))[1] == []


@pytest.mark.parametrize(
    ("job", "value"),
    [
        (None, None),
        (JobSeen(JobId("j"), "running"), None),
        (JobSeen(JobId("j"), "passed"), Value(1.0)),
        (JobSeen(JobId("j"), "failed", "exit code 2"), Value(0.0, detail="exit code 2")),
        (JobSeen(JobId("j"), "lost", "gone"), Value(missing="the job was lost: gone")),
    ],
    ids=str,
)
def test_what_a_job_is_worth(job: JobSeen | None, value: Value | None) -> None:
    assert job_value(state(flight(WORK)), JobId("j"), job) == value


def test_a_job_that_cannot_be_started_is_an_error_of_its_metric_and_aborts_nothing() -> None:
    one = flight(WORK)
    job = reading_id(one, WORK)
    failing = replace(state(one), failures=(Failure(f"run check work ({job})", "no shell", ATTEMPTS, ago(9)),))
    assert job_value(failing, job, None) == Value(missing="the job could not be started: no shell")
    assert turn(failing, seen(routed=ON_5, addresses=ADDRESSES))[0] == []


def test_a_good_comparison_waits_for_the_metrics() -> None:
    one = flight(SALES)
    assert verdict_now(one, NOW).outcome == "no_data"
    events, _ = turn(state(ticked(one, {"sales": Value(4.0)})), seen(routed=ON_5))
    assert events == ["VerdictReached pass", "StepCompleted 5"]


def test_a_metric_that_fails_puts_a_good_candidate_back() -> None:
    events, effects = turn(state(ticked(flight(SALES), {"sales": Value(2.1)})), seen(routed=ON_5))
    assert events == ["VerdictReached fail", "RolloutAborted by headgate"]
    assert effects == ["set routes (rev_v1 100, rev_v2 0)"]


def test_so_it_does_while_it_bakes() -> None:
    one = ticked(flight(SALES, at=BAKE, measured=()), {"sales": Value(2.1)})
    assert "RolloutAborted by headgate" in turn(state(one), seen(routed=routes({"v2": 100}, preview="v2")))[0]


def test_what_cannot_be_read_promotes_nothing_however_good_the_comparison() -> None:
    one = replace(ticked(flight(SALES), {"sales": Value(missing="down")}), step_started_at=ago(601))
    one = replace(one, analysis=replace(one.analysis, unproven="promote"))
    assert turn(state(one), seen(routed=ON_5))[0] == ["VerdictReached no_data", "RolloutPaused"]


def test_a_dry_run_moves_nothing() -> None:
    one = flight(replace(SALES, dry_run=True))
    found = verdict_now(ticked(one, {"sales": Value(2.1)}), NOW)
    assert found.outcome == "pass"
    assert [standing.outcome for standing in found.standings] == ["fail"]


def test_a_number_that_is_compared_is_a_gauge_of_the_judge() -> None:
    rules = replace(CANARY.analysis, metrics=(MEMORY, replace(MEMORY, name="dry", dry_run=True)))
    one = flight(measured=())
    one = replace(one, analysis=rules)
    for second in range(60):
        one = ticked(one, {"memory": Value(8.0 + second % 3, 4.0), "dry": Value(9.0, 1.0)}, NOW + seconds(second + 1))
    assert list(policy_of(one).gauges) == ["memory"]
    found = verdict_now(one, NOW + seconds(60))
    assert found.outcome == "fail"
    assert "memory" in found.why
