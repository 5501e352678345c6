"""Scatter: 1 for independent answers, c for errors in groups of c, and no matter how a regression jumps."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.analysis.dispersion import CEILING, Dispersion, Groups, _kept, factor, paired, scattered


def seen(seed: int, group: int, strata: int, mine: int = 100, theirs: int = 400, later: float = 0.01) -> Dispersion:
    """Bad answers at 1 % in groups of so many; the candidate's share becomes `later` half-way."""
    random, found = Random(seed), Dispersion()
    for number in range(strata):
        share = later if number > strata / 2 else 0.01
        bad = [
            min(group * sum(random.random() < rate / group for _ in range(of)), of)
            for of, rate in ((mine, share), (theirs, 0.01))
        ]
        found = scattered(found, (bad[0], mine), (bad[1], theirs), 1.0, 1.0)
    return found


@pytest.mark.parametrize("group", [1, 5, 10])
def test_it_is_the_size_of_the_groups(group: int) -> None:
    factors = [factor(seen(seed, group, 200)) for seed in range(8)]
    assert sum(factors) / len(factors) == pytest.approx(group, rel=0.25)


def test_a_regression_is_not_taken_for_scatter() -> None:
    calm = sum(factor(seen(seed, 1, 120)) for seed in range(8)) / 8
    jumped = sum(factor(seen(seed, 1, 120, later=0.10)) for seed in range(8)) / 8
    assert jumped < calm + 0.25


def test_sparse_errors_in_groups_are_recognised_after_one_group() -> None:
    groups = paired(Groups(), (0.0, 100), 1.0, 30.0, 1.0)
    groups = paired(groups, (10.0, 100), 1.0, 30.0, 1.0)
    assert groups.total == pytest.approx(10.0, rel=0.06)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_it_never_makes_evidence_stronger(pairs: list[tuple[int, int]]) -> None:
    found = Dispersion()
    for mine, theirs in pairs:
        found = scattered(found, (float(mine), 50), (float(theirs), 50), 4.0, 1.0)
        assert factor(found) >= 1.0


def test_one_pair_counts_only_so_much() -> None:
    quiet = scattered(Dispersion(), (0.0, 1000), (0.0, 1000), 1.0, 1.0)
    loud = scattered(quiet, (1000.0, 1000), (0.0, 1000), 1.0, 1.0)
    assert loud.candidate.total <= CEILING * 3.0


def test_answers_that_are_all_alike_say_nothing() -> None:
    found = Dispersion()
    for bad in (0.0, 0.0, 50.0):
        found = scattered(found, (bad, 50), (bad, 50), 10.0, 1.0)
    assert factor(found) >= 1.0


def test_the_trimmed_mean_of_a_chi_square_variable() -> None:
    random = Random(3)
    values = sorted(random.gauss(0, 1) ** 2 for _ in range(40_000))
    kept = values[: int(0.9 * len(values))]
    assert _kept(0.9) == pytest.approx(sum(kept) / len(kept), rel=0.02)


def test_drift_between_long_ticks_is_not_scatter() -> None:
    """The level of both arms halves within a minute, in ticks of ten seconds."""
    found = Dispersion()
    for bad in (2000, 1800, 1500, 1200, 1000, 1000):
        found = scattered(found, (bad / 4, 1000), (float(bad), 4000), 10.0, 1.0)
    assert factor(found) < 3.0
