"""E-values: their expectation is at most 1 on the null, exactly, and they are what plain arithmetic says."""

from fractions import Fraction
from math import comb, exp, inf, log

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.examples import examples

from headgate.analysis.evalue import NEAR, NONE, Bet, Margin, accept_bet, harm_bet, log_e

YES_NO = (0.0, 1.0)
shares = st.floats(0.0005, 0.6)
margins = st.builds(Margin, st.floats(1.0, 2.0), st.floats(0.0, 0.3))
requests = st.integers(1, 14)
low_shares = st.floats(0.0005, 0.25)  # whose margin is below WORST, whatever the margin
parts = st.floats(0.01, 1.0)  # of the way from the margin to WORST
WORST = 0.9


def expectation(made: Bet, n: int, m: int, mine: float, theirs: float) -> float:
    """Of e, over every outcome of n candidate and m stable answers."""
    total = 0.0
    for x in range(n + 1):
        for y in range(m + 1):
            chance = comb(n, x) * mine**x * (1 - mine) ** (n - x) * comb(m, y) * theirs**y * (1 - theirs) ** (m - y)
            total += chance * exp(log_e(made, YES_NO, (n - x, x), (m - y, y)))
    return total


@given(shares, shares, margins, requests, requests, st.floats(0.0, 1.0), st.floats(0.2, 3.0))
@settings(max_examples=examples(400))
def test_harm_is_a_fair_bet_wherever_the_null_holds(
    believed: float, theirs: float, margin: Margin, n: int, m: int, part: float, times: float
) -> None:
    """However wrong the reference and the alternative are, and for every candidate that is within the margin."""
    made = harm_bet(believed, min(margin.at(believed) * (1 + times), 0.97), margin, n / m)
    mine = min(margin.at(theirs), 1.0) * part
    assert expectation(made, n, m, mine, theirs) <= 1 + 1e-9


@given(shares, shares, margins, requests, requests, st.floats(0.0, 1.0), st.floats(0.1, 0.95))
@settings(max_examples=examples(400))
def test_acceptance_is_a_fair_bet_wherever_the_null_holds(
    believed: float, theirs: float, margin: Margin, n: int, m: int, part: float, times: float
) -> None:
    made = accept_bet(believed, margin.at(believed) * times, margin, n / m)
    edge = margin.at(theirs)
    assume(edge <= 1)
    assert expectation(made, n, m, edge + (1 - edge) * part, theirs) <= 1 + 1e-9


def beyond(margin: Margin, believed: float, part: float) -> float:
    """A share that is worse than the margin allows."""
    edge = margin.at(believed)
    return edge + (WORST - edge) * part


@given(low_shares, margins, requests, requests, parts)
def test_at_the_very_margin_it_is_1(believed: float, margin: Margin, n: int, m: int, part: float) -> None:
    """The bound is reached at the reference point, so that no evidence is wasted."""
    made = harm_bet(believed, beyond(margin, believed, part), margin, n / m)
    assume(made is not NONE)
    assert made.bound == pytest.approx(margin.at(made.reference))
    assert expectation(made, n, m, made.bound, made.reference) == pytest.approx(1.0)


@given(low_shares, margins, requests, requests, parts)
def test_it_grows_if_the_alternative_is_true(believed: float, margin: Margin, n: int, m: int, part: float) -> None:
    worse = beyond(margin, believed, part)
    made = harm_bet(believed, worse, margin, n / m)
    grows = (
        sum(chance * log_e(made, YES_NO, (1 - x, x), (0, 0)) for x, chance in ((0, 1 - worse), (1, worse))) * n
        + sum(chance * log_e(made, YES_NO, (0, 0), (1 - x, x)) for x, chance in ((0, 1 - believed), (1, believed))) * m
    )
    assert grows >= -1e-9


GRADES = (0.0, 0.25, 0.5, 1.0)


@given(st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4), shares, margins, st.floats(1.05, 4.0))
@settings(max_examples=examples(200))
def test_graded_scores_are_a_fair_bet_too(weights: list[float], believed: float, margin: Margin, times: float) -> None:
    """One answer of each arm; scores between 0 and 1 in any mixture whose mean is at the margin or below."""
    stable = [one / sum(weights) for one in weights]
    usual = sum(score * chance for score, chance in zip(GRADES, stable, strict=True))
    mean = margin.at(usual)
    assume(mean < 1)
    candidate = [1 - mean, 0.0, 0.0, mean]
    made = harm_bet(believed, min(margin.at(believed) * times, 0.95), margin, 1.0, spread=0.4)
    total = 0.0
    for i, mine in enumerate(candidate):
        for j, theirs in enumerate(stable):
            one, other = [0] * 4, [0] * 4
            one[i], other[j] = 1, 1
            total += mine * theirs * exp(log_e(made, GRADES, one, other))
    assert total <= 1 + 1e-9


@given(shares, margins, requests, requests, st.data())
def test_it_is_what_exact_arithmetic_says(believed: float, margin: Margin, n: int, m: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    made = harm_bet(believed, min(margin.at(believed) * 3, 0.9), margin, n / m)
    u, v, q, p = (Fraction(one) for one in (made.stake, made.hedge, made.bound, made.reference))
    exact = (1 + u * (1 - q)) ** x * (1 - u * q) ** (n - x) * (1 + v * (1 - p)) ** y * (1 - v * p) ** (m - y)
    assert log_e(made, YES_NO, (n - x, x), (m - y, y)) == pytest.approx(log(exact), abs=1e-9)


@given(shares, margins, requests, requests, st.floats(0.1, 20), st.floats(0.05, 1.0))
def test_no_answer_can_cost_everything(
    believed: float, margin: Margin, n: int, m: int, times: float, spread: float
) -> None:
    made = harm_bet(believed, min(margin.at(believed) * times, 0.999), margin, n / m, spread)
    factors = [1 + made.stake * (score - made.bound) for score in YES_NO]
    factors += [1 + made.hedge * (score - made.reference) for score in YES_NO]
    assert min(factors) >= 1 - NEAR - 1e-9


@given(shares, margins, requests, requests, st.integers(1, 10))
def test_more_bad_answers_are_more_evidence(believed: float, margin: Margin, n: int, m: int, more: int) -> None:
    made = harm_bet(believed, min(margin.at(believed) * 2, 0.95), margin, n / m)
    few = log_e(made, YES_NO, (n, 0), (m, 0))
    many = log_e(made, YES_NO, (n - min(more, n), min(more, n)), (m, 0))
    assert many >= few


def test_a_margin_that_allows_everything_bets_nothing() -> None:
    assert harm_bet(0.9, 0.99, Margin(2.0, 0.1), 1.0) is NONE
    assert log_e(NONE, YES_NO, (0, 1000), (1000, 0)) == 0.0
    assert log_e(NONE, YES_NO, (0, 1000), (1000, 0)) > -inf
