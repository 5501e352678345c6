"""What becomes of releases that are moved by their proofs: as simulated ones, and sensible where nobody simulates."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.given import PLAIN
from tests.examples import examples

from headgate.analysis.course import LUCK, Course, Span, Terms, course, crossing, passage, walks
from headgate.analysis.growth import Growth, Regression
from headgate.analysis.policy import Policy
from headgate.model.measurements import Traffic

POLICY = Policy()
TERMS = Terms(deadline=1800.0)


def traffic(rate: float = 500.0, errors: float = 0.005) -> Traffic:
    return Traffic(rate, errors, {bucket: 100 * count for bucket, count in PLAIN.items()})


def foretold(more: float = 0.0, slower: float = 0.0, rate: float = 500.0, terms: Terms = TERMS) -> Course:
    return course(POLICY, traffic(rate), Regression(more, slower), terms)


def test_every_release_is_caught_promoted_or_stopped() -> None:
    for more in (0.0, 0.002, 0.01, 0.2):
        said = foretold(more, rate=30.0)
        assert said.caught + said.promoted + said.stopped == pytest.approx(1)


def test_a_good_release_is_promoted_after_its_dwells() -> None:
    said = foretold()
    assert (said.caught, said.promoted) == (0.0, 1.0)
    assert said.until_promoted is not None
    assert said.until_promoted.usual == pytest.approx(3 * 61, abs=2)


def test_more_than_the_margin_stays_at_the_first_weight() -> None:
    said = foretold(0.02)
    assert said.caught == 1.0
    assert said.weight == 0.05
    assert said.bad is not None
    assert said.until_caught is not None
    assert said.bad.usual == pytest.approx(500 * 0.05 * 0.02 * said.until_caught.usual, rel=0.01)


def test_what_a_small_weight_may_pass_is_caught_further_on_or_promoted() -> None:
    said = foretold(0.002)  # less than the 0.25 points of the last gate
    assert said.promoted > 0.05
    assert {one.weight for one in walks(POLICY, traffic(), Regression(0.002), TERMS)} >= {0.25, 0.5}


def test_a_deadline_stops_what_is_not_proven_and_promotes_it_where_the_rules_say_so() -> None:
    short = Terms(deadline=120.0)
    assert foretold(rate=20.0, terms=short).stopped > 0.9
    assert foretold(rate=20.0, terms=replace(short, unproven="promote")).promoted > 0.9


def test_a_bake_catches_what_is_much_worse_than_the_record_without_any_canary() -> None:
    alone, terms = Policy(weights=()), Terms(deadline=1800.0, bake=600.0)
    much, little = (course(alone, traffic(), Regression(more), terms) for more in (0.2, 0.01))
    assert (much.caught, little.caught) == (1.0, 0.0)
    assert much.weight == 1.0
    assert little.until_promoted == Span(600.0, 600.0)


def test_nothing_is_caught_where_nothing_is_judged() -> None:
    assert course(Policy(weights=()), traffic(), Regression(0.9), Terms(1800.0)).promoted == 1.0


def test_latency_waits_for_enough_answers_of_the_stable() -> None:
    thin = [course(POLICY, traffic(10.0), Regression(slower=1.0), replace(TERMS, prepared=one)) for one in (0.0, 200.0)]
    late, soon = (one.until_caught.usual for one in thin if one.until_caught)
    assert late - soon >= 40  # 500 of them take 53 s; compared is in moments of 40 s


def test_what_is_not_compared_is_not_caught() -> None:
    deaf = Policy(signals=("p99",))
    assert course(deaf, traffic(), Regression(0.05), TERMS).caught == 0.0
    assert course(deaf, traffic(), Regression(0.9), TERMS).caught == 1.0  # an outage always is
    assert course(deaf, Traffic(50.0, 0.0, {50: 100_000}), Regression(), TERMS).promoted == 1.0  # no tail to compare


def test_several_services_share_the_error_budget() -> None:
    alone, among = (foretold(0.01, terms=replace(TERMS, services=number)) for number in (1, 10))
    assert alone.until_caught is not None
    assert among.until_caught is not None
    assert among.until_caught.usual > alone.until_caught.usual


@pytest.mark.slow
@given(st.floats(20, 2000), st.floats(0.003, 0.3), st.floats(1.3, 3))
@settings(max_examples=10, deadline=None)
def test_the_worse_the_sooner(rate: float, more: float, times: float) -> None:
    said, worse = foretold(more, rate=rate), foretold(min(more * times, 0.9), rate=rate)
    assert worse.caught >= said.caught - 0.05
    if said.until_caught and worse.until_caught and said.caught > 0.95:
        stratum = 20 / (0.05 * rate)
        assert worse.until_caught.usual <= said.until_caught.usual + 5 + 2 * stratum


@given(st.integers(-100, 100).map(lambda one: one / 100), st.floats(0.01, 10), st.floats(1, 20), st.floats(-2, 2))
@settings(max_examples=examples(200), deadline=None)
def test_a_crossing_is_where_the_quantile_meets_the_bar(mean: float, variance: float, bar: float, luck: float) -> None:
    found = crossing([(Growth(mean, variance), float("inf"), luck)], 0.0, bar)
    if found < 1e9:
        assert mean * found + luck * (variance * found) ** 0.5 == pytest.approx(bar, rel=1e-6, abs=1e-6)


def test_the_luckier_pass_sooner_and_some_never() -> None:
    growth = Growth(-0.01, 0.5)
    times = [passage([(growth, float("inf"), luck)], 3.0) for luck in LUCK]
    assert all(later >= sooner for later, sooner in pairwise(times))
    ever = sum(time < 1e9 for time in times) / len(times)
    assert ever == pytest.approx(2.718281828 ** (2 * -0.01 * 3.0 / 0.5), abs=0.02)  # of a walk with this drift


# Requests a second, share of errors of the stable, points more, latency more; judged by gates, as rollouts are.
TRIED = [
    (500, 0.005, 0.0, 0.0),
    (500, 0.005, 0.002, 0.0),
    (500, 0.005, 0.01, 0.0),
    (500, 0.005, 0.2, 0.0),
    (100, 0.005, 0.995, 0.0),
    (100, 0.005, 0.05, 0.0),
    (500, 0.005, 0.0, 0.2),
    (20, 0.01, 0.2, 0.0),
]


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("rate", "errors", "more", "slower"), TRIED)
def test_it_foretells_simulated_releases(rate: float, errors: float, more: float, slower: float) -> None:
    """In the noisy world of the trials: medians within a quarter or two ticks (of measurements with enough answers)."""
    np = pytest.importorskip("numpy")
    from benchmarks.verdicts.candidate import reference
    from benchmarks.verdicts.cells import Cell
    from benchmarks.verdicts.latency import Shape
    from benchmarks.verdicts.trial import run
    from benchmarks.verdicts.world import World

    world = World(rate=rate, errors=errors, more_errors=more, shape=Shape(1 + slower))
    tried = run(Cell("tried", "course", world, gated=True, seconds=1800), 100, 23, with_peers=False).judges["headgate"]
    caught, promoted = np.isfinite(tried.back), np.isfinite(tried.promoted)
    known = Traffic(rate, errors, reference())
    said = course(POLICY, known, Regression(more, slower), Terms(1800.0, prepared=60.0))
    assert said.caught == pytest.approx(caught.mean(), abs=0.1)
    assert said.promoted == pytest.approx(promoted.mean(), abs=0.1)
    tick = max(1.0, 20 / (0.05 * rate))
    for span, times in ((said.until_caught, tried.back[caught]), (said.until_promoted, tried.promoted[promoted])):
        if span and len(times) > 50:
            assert span.usual == pytest.approx(np.median(times), rel=0.25, abs=2 * tick)
