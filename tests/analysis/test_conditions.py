"""Readings into verdicts: counted once, each in its step, and a missing number is never a success."""

from datetime import UTC, datetime, timedelta
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.analysis.conditions import Counts, counted, finished, joined, verdict
from headgate.model.conditions import parse
from headgate.model.measurements import Measurement, Value, Window
from headgate.model.metrics import MetricRule
from headgate.model.verdicts import Outcome, Verdict

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LOST = Value(missing="the source is down")


def rule(**changes: Any) -> MetricRule:
    return MetricRule("conversion", **({"success": parse(">= 3")} | changes))


def tick(number: int, value: Value | None, name: str = "conversion") -> Measurement:
    end = NOON + timedelta(seconds=number)
    return Measurement(number, Window(end - timedelta(seconds=1), end), values={name: value} if value else {})


def read(one: MetricRule, values: list[Any], step: int = 4) -> Counts:
    counts = Counts()
    for number, value in enumerate(values, start=1):
        given = Value(float(value)) if isinstance(value, int | float) else value
        counts = counted(counts, [one], tick(number, given), step)
    return counts


def judged(one: MetricRule, values: list[Any]) -> Verdict:
    return verdict([one], read(one, values), 4)


BOTH = {"success": parse(">= 3"), "failure": parse("< 1")}
COUNTED = {"count": 3, "failure_limit": 1}

CASES = [
    ("not read", rule(), [], "no_data", "metric conversion was not read yet"),
    ("success", rule(), [3], "pass", "metric conversion: 3 against >= 3: succeeded 1 of 1 time"),
    ("failure", rule(), [5, 2.1], "fail", "metric conversion: 2.1 against >= 3: failed 1 time, none is allowed"),
    (
        "over the limit",
        rule(failure_limit=1),
        [2, 4, 2.1],
        "fail",
        "metric conversion: 2.1 against >= 3: failed 2 times, 1 is allowed",
    ),
    (
        "tolerated, but it was the last",
        rule(failure_limit=1),
        [4, 2],
        "inconclusive",
        "metric conversion: 2 against >= 3: succeeded 1 of 2 times, but not the last time",
    ),
    ("tolerated", rule(failure_limit=1), [2, 4], "pass", "metric conversion: 4 against >= 3: succeeded 1 of 2 times"),
    (
        "nothing but what is tolerated",
        rule(failure_limit=2),
        [2, 2],
        "inconclusive",
        "metric conversion: 2 against >= 3: no success in 2 times",
    ),
    (
        "one condition of failure",
        rule(success=None, failure=parse(">= 10")),
        [9],
        "pass",
        "metric conversion: 9 against failure >= 10: succeeded 1 of 1 time",
    ),
    (
        "neither of two",
        rule(**BOTH),
        [2],
        "inconclusive",
        "metric conversion: 2 against >= 3, failure < 1: inconclusive 1 time, none is allowed",
    ),
    (
        "both of two is a failure",
        rule(success=parse("< 9"), failure=parse("< 5")),
        [4],
        "fail",
        "metric conversion: 4 against < 9, failure < 5: failed 1 time, none is allowed",
    ),
    (
        "an error",
        rule(),
        [3, LOST],
        "no_data",
        "metric conversion could not be read: the source is down",
    ),
    ("an error that passed", rule(), [LOST, LOST, LOST, LOST, 3], "pass", ""),
    (
        "errors in a row",
        rule(),
        [3, *[LOST] * 5],
        "fail",
        "metric conversion could not be read 5 times in a row, 4 are allowed: the source is down",
    ),
    ("NaN is an error", rule(), [nan], "no_data", "metric conversion could not be read: nan is no number"),
    ("so is what is infinite", rule(), [inf], "no_data", "metric conversion could not be read: inf is no number"),
    ("no value at all", rule(), [Value()], "no_data", "metric conversion could not be read: None is no number"),
    (
        "the count is not reached",
        rule(**COUNTED),
        [3, 3],
        "inconclusive",
        "metric conversion: 3 against >= 3: read 2 of 3 times",
    ),
    ("the count is reached", rule(**COUNTED), [3, 2, 3], "pass", ""),
    ("errors do not count towards it", rule(**COUNTED), [3, LOST, 3], "inconclusive", ""),
    (
        "compared with the stable",
        rule(success=None, worse_by=0.1),
        [Value(5.0, 4.0)],
        "pass",
        "metric conversion: 5 against the stable's 4",
    ),
    ("compared with nothing", rule(success=None, worse_by=0.1), [Value(5.0)], "no_data", ""),
    (
        "a job that failed",
        rule(success=parse("== 1")),
        [Value(0.0, detail="2 failed")],
        "fail",
        "metric conversion: 0 (2 failed) against == 1: failed 1 time, none is allowed",
    ),
]


@pytest.mark.parametrize(("one", "values", "outcome", "why"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_verdict(one: MetricRule, values: list[Any], outcome: str, why: str) -> None:
    found = judged(one, values)
    assert found.outcome == outcome
    assert not why or found.why == why


def test_a_dry_run_is_shown_and_never_decides() -> None:
    found = judged(rule(dry_run=True), [1, 1])
    assert (found.outcome, found.why) == (Outcome.PASS, "")
    assert [(one.outcome, one.value, one.dry_run) for one in found.standings] == [(Outcome.FAIL, 1.0, True)]
    assert "(dry run)" in found.standings[0].why


def test_a_tick_is_counted_once() -> None:
    once = counted(Counts(), [rule()], tick(1, Value(2.0)), 4)
    assert counted(once, [rule()], tick(1, Value(2.0)), 4) == once


def test_each_step_counts_anew() -> None:
    before = read(rule(), [1, 1])
    after = counted(before, [rule()], tick(3, Value(5.0)), 6)
    assert verdict([rule()], after, 6).outcome is Outcome.PASS
    assert verdict([rule()], before, 6).outcome is Outcome.NO_DATA


def test_nothing_is_asked_once_the_count_is_reached() -> None:
    one = rule(count=2)
    assert not finished(one, read(one, [3]).of(4, "conversion"))
    assert finished(one, read(one, [3, 3]).of(4, "conversion"))
    assert not finished(rule(), read(rule(), [3] * 50).of(4, "conversion"))


VERDICTS = {outcome: Verdict(outcome, outcome.value) for outcome in Outcome}


@pytest.mark.parametrize(
    ("compared", "metrics", "outcome", "why"),
    [
        ("pass", "pass", "pass", "pass; pass"),
        ("pass", "fail", "fail", "fail"),
        ("fail", "pass", "fail", "fail"),
        ("pass", "no_data", "no_data", "no_data"),
        ("inconclusive", "no_data", "no_data", "no_data; inconclusive"),
        ("inconclusive", "pass", "inconclusive", "inconclusive"),
        ("no_data", "fail", "fail", "fail"),
    ],
)
def test_either_fails_and_both_pass(compared: str, metrics: str, outcome: str, why: str) -> None:
    found = joined(VERDICTS[Outcome(compared)], VERDICTS[Outcome(metrics)])
    assert (found.outcome, found.why) == (outcome, why)


NUMBERS = st.one_of(st.floats(), st.none())
VALUES = st.builds(Value, NUMBERS, NUMBERS, st.sampled_from(["", "down"]))
RULES = st.builds(
    rule,
    success=st.sampled_from([None, parse(">= 3"), parse("0 .. 1")]),
    failure=st.sampled_from([None, parse("< 1")]),
    worse_by=st.sampled_from([None, 0.1]),
    count=st.integers(0, 3),
    failure_limit=st.integers(0, 2),
    consecutive_error_limit=st.integers(0, 2),
)


@given(RULES, st.lists(VALUES, max_size=12))
def test_no_promotion_without_a_number_that_is_a_success(one: MetricRule, values: list[Value]) -> None:
    found = judged(one, list(values))
    if found.outcome is Outcome.PASS:
        last = values[-1]
        assert not last.missing
        assert last.candidate is not None
        assert abs(last.candidate) < inf
    again = judged(one, list(values))
    assert repr(again) == repr(found)
