"""The purse: a fair bet whatever the opinions, and evidence that no single moment can bring."""

from itertools import product
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.analysis.wealth import Moments, Purse, played, remembered, steadfast

PRIOR = (0.5, 0.25, 0.25)
gains = st.lists(st.floats(-3, 8), min_size=1, max_size=40)


@given(st.lists(st.floats(0.02, 0.98), min_size=2, max_size=5), st.floats(0.0, 1.0))
def test_it_stays_a_fair_bet_over_every_history(wins: list[float], hazard: float) -> None:
    """Two opinions bet on a coin at odds that are fair; the purse is worth 1 on average, over all outcomes."""
    total = 0.0
    for outcome in product((True, False), repeat=len(wins)):
        purse, chance = Purse(PRIOR), 1.0
        for won, share in zip(outcome, wins, strict=True):
            chance *= share if won else 1 - share
            odds = (0.5 / share, 0.9 / share) if won else (0.5 / (1 - share), 0.1 / (1 - share))
            purse, _ = played(purse, [log(one) for one in odds], hazard, PRIOR)
        total += chance * exp(purse.total)
    assert total == pytest.approx(1.0, abs=0.01)  # totals keep three decimals


def test_a_rest_bounds_the_loss() -> None:
    purse = Purse(PRIOR)
    for _ in range(50):
        purse, _ = played(purse, [-100.0, -200.0], 0.0, PRIOR)
    assert purse.total == pytest.approx(log(0.5), abs=0.001)


def test_a_late_beginning_costs_once() -> None:
    purse = Purse(PRIOR)
    for _ in range(100):
        purse, _ = played(purse, [-1.0, -2.0], 0.01, PRIOR)
    before = purse.total
    for _ in range(20):
        purse, _ = played(purse, [1.0, 0.5], 0.01, PRIOR)
    assert 20 - 7 < purse.total - before < 20


def every_moment(values: list[float], seconds: float, blip: float) -> float:
    """The largest sum of strata that one blip can touch, by trying all."""
    best = 0.0
    for first in range(len(values)):
        for last in range(first, len(values)):
            if (last - first - 1) * seconds < blip or last == first:
                best = max(best, sum(values[first : last + 1]))
    return best


@given(gains, st.sampled_from([1.0, 2.0, 5.0, 30.0]))
def test_the_best_moment_is_the_best_of_all(values: list[float], seconds: float) -> None:
    moments = Moments()
    for one in values:
        moments = remembered(moments, one, seconds, 20.0)
    rounded = [round(one, 2) for one in values]
    assert moments.best == pytest.approx(every_moment(rounded, seconds, 20.0), abs=0.02)
    assert len(moments.gains) <= 20 / seconds + 3


def test_a_moment_touches_one_stratum_more_than_it_fills() -> None:
    """20 s, badly aligned, touch 21 strata of one second."""
    moments = Moments()
    for _ in range(60):
        moments = remembered(moments, 1.0, 1.0, 20.0)
    assert moments.best == 21.0


@given(gains, st.floats(0, 5))
def test_without_the_best_moment_no_moment_brings_more_than_allowed(values: list[float], allowed: float) -> None:
    """Whatever happened in twenty seconds, the rest must bring the remainder."""
    moments, total = Moments(), 0.0
    for one in values:
        moments, total = remembered(moments, one, 1.0, 20.0), total + one
    left = steadfast(Purse(PRIOR, total), moments, allowed)
    for first in range(len(values)):
        inside = sum(values[first : first + 20])
        assert left <= total - inside + max(min(inside, allowed), 0.0) + max(0.0, -inside) + 0.2
