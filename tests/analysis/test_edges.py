"""Latency as scores: edges from the stable's own histogram, margins by sliding it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.given import PLAIN, answers

from headgate.analysis.edges import beyond, graded_levels, latency_metrics
from headgate.analysis.metric import Metric
from headgate.model.measurements import Sample
from headgate.model.rules import Tolerance

USUAL = Tolerance(0.04, 0.12)

histograms = st.dictionaries(st.integers(0, 110), st.integers(1, 5000), min_size=1, max_size=60)


@given(histograms, st.floats(-3, 120), st.floats(0, 5))
def test_the_further_the_fewer(histogram: dict[int, int], place: float, more: float) -> None:
    assert 1 >= beyond(histogram, place) >= beyond(histogram, place + more) >= 0


@given(histograms)
def test_at_an_edge_it_counts(histogram: dict[int, int]) -> None:
    total = sum(histogram.values())
    for place in (min(histogram) - 1, min(histogram), max(histogram)):
        exact = sum(count for bucket, count in histogram.items() if bucket > place) / total
        assert beyond(histogram, place) == pytest.approx(exact)


@given(histograms)
def test_any_histogram_gives_metrics_that_can_be_judged(histogram: dict[int, int]) -> None:
    """Or none, where too little is known or everything is in one bucket."""
    for metric in latency_metrics(histogram, USUAL, USUAL):
        assert metric.harm.ratio >= 1
        assert metric.accept is not None
        assert metric.accept.ratio >= metric.harm.ratio
        assert metric.spread > 0
        assert list(metric.edges) == sorted(set(metric.edges))
        levels = graded_levels(histogram, metric.edges, 0.0)
        counted = metric.levels(Sample(latency=histogram))
        assert levels == pytest.approx([one / sum(counted) for one in counted])


def test_a_latency_that_never_varies_is_judged_by_being_left() -> None:
    (metric,) = latency_metrics({50: 10_000}, USUAL, USUAL)
    assert metric.edges == (49, 50)
    assert metric.levels(Sample(latency={49: 1, 50: 2, 51: 4})) == (1, 2, 4)


def test_too_few_answers_choose_nothing() -> None:
    assert latency_metrics({50: 250, 51: 249}, USUAL, USUAL) == ()


@pytest.mark.parametrize("slower", [0.03, 0.04])
def test_what_is_slower_by_less_than_the_margin_is_allowed_at_every_edge(slower: float) -> None:
    for metric in latency_metrics(PLAIN, USUAL, USUAL):
        usual, moved = (
            sum(
                score * share
                for score, share in zip(metric.scores, graded_levels(PLAIN, metric.edges, one), strict=True)
            )
            for one in (0.0, slower)
        )
        assert moved <= metric.harm.at(usual) + 1e-5


def test_a_known_spread_of_instances_allows_more() -> None:
    narrow, wide = (latency_metrics(PLAIN, Tolerance(margin, 0.2), USUAL)[0].harm.ratio for margin in (0.04, 0.08))
    assert wide > narrow


@given(st.integers(0, 500), st.integers(0, 500), st.integers(-3, 3))
def test_levels_add_up(one: int, other: int, later: int) -> None:
    for metric in latency_metrics(PLAIN, USUAL, USUAL):
        apart = [metric.levels(answers(one)), metric.levels(answers(other, later=later))]
        together = metric.levels(answers(one) + answers(other, later=later))
        assert together == tuple(map(sum, zip(*apart, strict=True)))
        assert sum(together) == one + other


def test_a_score_is_the_share_of_edges_that_an_answer_is_beyond() -> None:
    from headgate.analysis.evalue import Margin

    metric = Metric("latency", (10, 20), Margin(), None, Margin())
    assert metric.scores == (0.0, 0.5, 1.0)
    assert metric.levels(Sample(latency={10: 1, 11: 2, 20: 4, 21: 8, 99: 16})) == (1, 6, 24)
