"""At full weight the stable's own record stands in for the stable, with wide margins."""

from random import Random

import pytest
from tests.analysis.given import POLICY, answers, drawn, known, tick

from headgate.analysis.evidence import Evidence
from headgate.analysis.judge import begin, guard, step
from headgate.model.measurements import Sample
from headgate.model.verdicts import Outcome

SEEN = 30  # seconds of the stable alone, 1 % of 300 requests failing


def baked(*seconds: Sample, before: Sample = answers(300, 3), seen: int = SEEN) -> Evidence:  # noqa: B008
    """The stable alone for a while, and then the candidate alone."""
    evidence = begin(POLICY, {"web": Sample()})
    for number in range(1, seen + 1):
        evidence = step(POLICY, evidence, tick(number, None, before), 0)
    for number, sample in enumerate(seconds, start=seen + 1):
        evidence = step(POLICY, evidence, tick(number, sample, None), 100)
    return evidence


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        (answers(300, 3), Outcome.PASS),
        (answers(300, 9), Outcome.PASS),  # three times the errors: within twice and two points
        (answers(300, 24), Outcome.FAIL),  # 8 %
        (answers(300, 300), Outcome.FAIL),
        (answers(300, 3, later=6), Outcome.PASS),  # slower by two thirds
        (answers(300, 3, later=16), Outcome.FAIL),  # four times as slow
    ],
)
def test_after_a_minute(second: Sample, outcome: Outcome) -> None:
    assert guard(POLICY, baked(*[second] * 60)).outcome is outcome


def test_a_total_failure_takes_seconds() -> None:
    assert guard(POLICY, baked(*[answers(300, 300)] * 4)).outcome is Outcome.FAIL


def test_harm_is_told_with_its_numbers() -> None:
    why = guard(POLICY, baked(*[answers(300, 24)] * 60)).why
    assert why == (
        "web: errors 8.0 % against 1.0 % in 18,000 requests; evidence over 1,000,000 : 1 that it is worse than "
        "the stable's record allows"
    )


def test_a_short_burst_is_forgiven() -> None:
    fine, burst = answers(300, 3), answers(300, 30)
    assert guard(POLICY, baked(*[fine] * 20, *[burst] * 15, *[fine] * 20)).outcome is Outcome.PASS


def test_a_stable_that_was_never_seen_condemns_nobody() -> None:
    assert guard(POLICY, baked(*[answers(300, 24)] * 60, seen=0)).outcome is not Outcome.FAIL


def test_nobody_came() -> None:
    found = guard(POLICY, baked(*[Sample()] * 60))
    assert (found.outcome, found.why) == (Outcome.INCONCLUSIVE, "no requests to judge by")


def test_a_blind_bake_is_no_data() -> None:
    evidence = step(POLICY, baked(*[answers(300, 3)] * 20), tick(51, None, None, "down"), 100)
    assert (guard(POLICY, evidence).outcome, guard(POLICY, evidence).why) == (Outcome.NO_DATA, "down")


def test_what_was_never_stable_alone_is_compared_with_what_was_seen_beside_it() -> None:
    """A canary's own stages are the record too."""
    evidence = begin(POLICY, known(1000))
    for number in range(1, 31):
        evidence = step(POLICY, evidence, tick(number, answers(30), answers(270, 2)), 10)
    for number in range(31, 91):
        evidence = step(POLICY, evidence, tick(number, answers(300, 30), None), 100)
    assert guard(POLICY, evidence).outcome is Outcome.FAIL


@pytest.mark.parametrize("seed", range(20))
def test_drift_within_the_margin_condemns_nobody(seed: int) -> None:
    """Half as many errors more than the record, all the time."""
    random = Random(seed)
    evidence = baked(*[drawn(random, 200, 0.015) for _ in range(120)], before=drawn(random, 300, 0.01))
    assert guard(POLICY, evidence).outcome is not Outcome.FAIL
