"""The planner: what it promises is what happens (docs/verdicts.md compares the whole grid), and it is monotone."""

import pytest
from benchmarks.verdicts.planner import Stage, detection, promotion, schedule
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.given import PLAIN
from tests.examples import examples

from headgate.analysis.growth import Regression, proof, sides
from headgate.analysis.policy import Policy
from headgate.model.measurements import Traffic

POLICY = Policy()
BESIDE = Policy(baseline=True)
STAGES = schedule(POLICY, (120.0, 180.0, 300.0))


def traffic(rate: float = 500.0, errors: float = 0.005) -> Traffic:
    return Traffic(rate, errors, PLAIN)


def test_a_schedule_is_the_weights_with_their_seconds() -> None:
    assert (Stage(0.05, 120.0), Stage(0.25, 180.0), Stage(0.5, 300.0)) == STAGES


# Median and p95 seconds of the trials at 500 requests/s and 0.5 % errors; a fifth to a third of it may be missed.
TRIED = [(0.005, 174, 309), (0.01, 84, 154), (0.02, 39, 92), (0.05, 25, 39), (0.2, 22, 23), (0.995, 3, 4)]


@pytest.mark.parametrize(("more", "usual", "worst"), TRIED, ids=[f"+{one[0]:.1%}" for one in TRIED])
def test_it_foretells_the_trials(more: float, usual: float, worst: float) -> None:
    said = detection(POLICY, traffic(), Regression(more_errors=more), STAGES)
    assert said.caught > 0.99
    assert said.usual == pytest.approx(usual, rel=0.25, abs=4)
    assert said.worst == pytest.approx(worst, rel=0.35, abs=4)


@pytest.mark.slow
@given(st.floats(5, 2000), st.floats(0.001, 0.02), st.floats(0.001, 0.3), st.floats(1.1, 4))
@settings(max_examples=examples(30), deadline=None)
def test_the_worse_and_the_busier_the_sooner(rate: float, errors: float, more: float, times: float) -> None:
    said = detection(POLICY, traffic(rate, errors), Regression(more_errors=more), STAGES)
    worse = detection(POLICY, traffic(rate, errors), Regression(more_errors=min(more * times, 0.9)), STAGES)
    busier = detection(POLICY, traffic(rate * times, errors), Regression(more_errors=more), STAGES)
    for sooner in (worse, busier):
        assert sooner.caught >= said.caught - 0.05  # sums are taken as normal, and thin traffic in strata
        stratum = 20 / (0.05 * rate)  # seconds of thin traffic that are judged together; blips are whole ones
        assert (sooner.usual or 1e9) <= (said.usual or 1e9) + 3 + stratum


def test_nothing_is_not_found() -> None:
    said = detection(POLICY, traffic(), Regression(), STAGES)
    assert said.caught < 0.01
    assert (said.usual, said.worst, said.bad) == (None, None, None)


def test_slower_is_found_too() -> None:
    a_little, a_lot = (detection(POLICY, traffic(), Regression(slower=one), STAGES) for one in (0.02, 0.2))
    assert a_little.caught < 0.05
    assert a_lot.caught > 0.99


def test_bad_answers_are_those_that_users_see() -> None:
    """500/s, 5 % of them on the candidate, five points more errors: 1.25 a second."""
    said = detection(POLICY, traffic(), Regression(more_errors=0.05), STAGES)
    assert said.usual is not None
    assert said.bad == pytest.approx(1.25 * said.usual)


@pytest.mark.slow
@given(st.dictionaries(st.integers(20, 90), st.integers(1, 3000), min_size=1, max_size=40), st.floats(0.0, 0.05))
@settings(max_examples=examples(500), deadline=None)
def test_a_good_release_can_be_proven_whatever_its_latencies_are(histogram: dict[int, int], errors: float) -> None:
    """Every bet on a good candidate wins in the long run, at every weight and for every gate."""
    known = Traffic(500.0, errors, {bucket: 100 * count for bucket, count in histogram.items()})
    for metric, side in sides(POLICY, known, Regression()):
        for gate in POLICY.gates() if metric.accept else ():
            for arms in [policy.arms(stage.weight) for stage in STAGES for policy in (POLICY, BESIDE)]:
                assert proof(known, metric, side, arms, metric.accept.scaled(gate)).mean > 0


def test_a_good_release_needs_the_dwell_at_least_and_thin_traffic_longer() -> None:
    busy, usual, thin = (promotion(POLICY, traffic(rate)) for rate in (1500.0, 500.0, 20.0))
    assert (busy.usual, usual.usual) == (180.0, 180.0)
    assert thin.usual is None or thin.usual > 600
    assert (usual.worst or 1e9) >= 180.0


def test_a_baseline_costs_time_at_small_weights_only() -> None:
    """It has no more traffic than the candidate, where the stable has the rest."""
    for worse in (Regression(more_errors=0.01), Regression(slower=0.3)):
        alone, beside = (detection(policy, traffic(), worse, STAGES).usual or 0.0 for policy in (POLICY, BESIDE))
        assert alone < beside < 2 * alone
        half = [Stage(0.5, 300.0)]
        assert detection(POLICY, traffic(), worse, half) == detection(BESIDE, traffic(), worse, half)
    assert (promotion(POLICY, traffic(50)).usual or 0) < (promotion(BESIDE, traffic(50)).usual or 1e9)


def test_what_cannot_be_proven_within_the_hour_is_said() -> None:
    assert promotion(POLICY, traffic(0.5)).usual is None
