"""Latency as scores: which bucket edges are compared, chosen from the stable's own histogram before the release."""

from bisect import bisect_left
from itertools import pairwise
from math import ceil, log

from headgate.analysis.evalue import Margin
from headgate.analysis.metric import Metric
from headgate.model.measurements import BUCKETS_PER_DOUBLING
from headgate.model.rules import Tolerance

# `latency` grades an answer by how many of nine edges (the stable's deciles) it is beyond: the mean grade is what the
# rank test of Wilcoxon compares, and sees a shift of everything with 95 % of the information of exact times (one edge
# at the median: 64 %). `p99` and `p99.9` count the answers beyond one edge in the tail. A margin in milliseconds
# becomes a margin of grades by sliding the stable's histogram: no shape is assumed.

DECILES = tuple(n / 10 for n in range(9, 0, -1))
TAILS = {"p99": 0.01, "p99.9": 0.001}
TAIL_POINTS = 0.005  # of the requests may cross an edge, beyond the relative margin, before a promotion is refused
OUTER = 0.7  # mean score beyond which the edges do not surround the answers
LEAST_SPREAD = 0.05  # of a score: where all answers took the same time until now, bets stay moderate
MUCH_SLOWER = 1.0  # relative: what is harm where only the stable's record is left to compare with
ENOUGH = 500  # answers of the stable, before edges are chosen

Histogram = dict[int, int]


def beyond(histogram: Histogram, place: float) -> float:
    """Share of answers slower than the bucket edge `place`; buckets are taken as evenly filled (in log time)."""
    total = sum(histogram.values())
    whole = ceil(place)  # the bucket that `place` cuts, or ends
    above = sum(count for bucket, count in histogram.items() if bucket > whole)
    return (above + histogram.get(whole, 0) * (whole - place)) / total


def latency_metrics(histogram: Histogram, body: Tolerance, tail: Tolerance) -> tuple[Metric, ...]:
    """None without enough answers."""
    if sum(histogram.values()) < ENOUGH:
        return ()
    found = [_graded("latency", histogram, _body(histogram), body)]
    taken = set()
    for name, share in TAILS.items():
        place = _nearest(histogram, share)
        if place not in taken and 5e-4 < beyond(histogram, place) < 0.05:
            found.append(_graded(name, histogram, (place,), tail))
            taken.add(place)
    return tuple(found)


def _body(histogram: Histogram) -> tuple[int, ...]:
    """Edges that part the answers, and one around them where (nearly) all are on one side: left, it is harm."""
    parting = {place for share in DECILES if 0 < beyond(histogram, place := _nearest(histogram, share)) < 1}
    mean = sum(beyond(histogram, place) for place in parting) / len(parting) if parting else None
    if mean is None or mean > OUTER:
        parting.add(max(histogram))
    if mean is None or mean < 1 - OUTER:
        parting.add(min(histogram) - 1)
    return tuple(sorted(parting))


def graded_levels(histogram: Histogram, edges: tuple[int, ...], slower: float) -> tuple[float, ...]:
    """Share of answers at each score, if everything took `slower` (relative) longer."""
    past = [1.0, *(beyond(histogram, edge - _slide(slower)) for edge in edges), 0.0]
    return tuple(more - less for more, less in pairwise(past))


def _nearest(histogram: Histogram, share: float) -> int:
    """The edge beyond which the share of answers is nearest to `share`, in log odds."""
    wanted = log(share / (1 - share))
    places = range(min(histogram) - 1, max(histogram) + 1)

    def distance(place: int) -> float:
        odds = min(max(beyond(histogram, place), 1e-6), 1 - 1e-6)
        return abs(log(odds / (1 - odds)) - wanted)

    return min(places, key=distance)


def _graded(name: str, histogram: Histogram, edges: tuple[int, ...], slower: Tolerance) -> Metric:
    usual = _mean(histogram, edges, 0.0)
    return Metric(
        name,
        edges,
        Margin(round(_mean(histogram, edges, slower.harm) / usual, 5)),
        Margin(round(_mean(histogram, edges, slower.accept) / usual, 5), TAIL_POINTS),
        Margin(round(_mean(histogram, edges, MUCH_SLOWER) / usual, 5), TAIL_POINTS),
        round(max(_variance(histogram, edges) / (usual * (1 - usual)), LEAST_SPREAD), 5),
    )


def _mean(histogram: Histogram, edges: tuple[int, ...], slower: float) -> float:
    """Mean score if everything took `slower` (relative) longer."""
    return sum(beyond(histogram, edge - _slide(slower)) for edge in edges) / len(edges)


def _slide(slower: float) -> float:
    """Buckets by which everything moves."""
    return BUCKETS_PER_DOUBLING * log(1 + slower) / log(2)


def _variance(histogram: Histogram, edges: tuple[int, ...]) -> float:
    total = sum(histogram.values())
    scores = [(bisect_left(edges, bucket) / len(edges), count / total) for bucket, count in histogram.items()]
    mean = sum(score * share for score, share in scores)
    return sum(share * (score - mean) ** 2 for score, share in scores)
