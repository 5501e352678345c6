"""Native histograms as data: steps by the bounds of the later scrape, and what counts as beginning again."""

import math

import pytest
from tests.adapters.metrics.prometheus.test_increase import span

from headgate.adapters.metrics.prometheus.histogram import bucket, latency
from headgate.adapters.metrics.prometheus.native import Counts, counts_of, rise
from headgate.adapters.metrics.prometheus.series import Series, series_of
from headgate.ports import AdapterError

FINE = {(0.5, 1.0): 4.0, (1.0, 2.0): 2.0}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, FINE, FINE),
        (FINE, FINE, {(0.5, 1.0): 0.0, (1.0, 2.0): 0.0}),
        (FINE, {(0.5, 1.0): 5.0, (1.0, 2.0): 2.0, (2.0, 4.0): 1.0}, {(0.5, 1.0): 1, (1.0, 2.0): 0, (2.0, 4.0): 1}),
        (FINE, {(0.25, 1.0): 5.0, (1.0, 4.0): 3.0}, {(0.25, 1.0): 1, (1.0, 4.0): 1}),  # coarser
        (FINE, {(-0.001, 0.001): 9.0}, {(-0.001, 0.001): 9.0}),  # began again
        (FINE, {(0.5, 1.0): 9.0, (1.0, 2.0): 1.0}, {(0.5, 1.0): 9.0, (1.0, 2.0): 1.0}),
        (FINE, {(1.0, 2.0): 9.0}, {(1.0, 2.0): 9.0}),  # a bucket is gone
        (FINE, {}, {}),
    ],
    ids=str,
)
def test_steps(before: Counts, now: Counts, expected: Counts) -> None:
    assert rise(before, now) == expected


def native(samples: dict[int, Counts]) -> Series:
    shown = []
    for at, counts in samples.items():
        buckets = [[0, str(low), str(high), str(count)] for (low, high), count in counts.items()]
        shown.append([at / 1000, {"count": str(sum(counts.values())), "buckets": buckets}])
    (one,) = series_of([{"metric": {"job": "edge", "instance": "a:1"}, "histograms": shown}], 1_000_000)
    return one


def test_counts_and_latency_of_one_series() -> None:
    series = native({0: FINE, 50: {(0.5, 1.0): 5.0, (1.0, 2.0): 4.0}, 90: {(1.0, 2.0): 1.0, (2.0, math.inf): 1.0}})
    assert series.values == [6, 9, 2]
    within = span({"requests": [series], "latency": [series]}, 0, 100)
    found = latency([series], within)
    assert found == {bucket(1.0): 1, bucket(2.0): 3, bucket(2.0) + 8: 1}
    assert latency([series], within, unit=0.001) == {0: 1, bucket(0.002): 3, bucket(0.002) + 8: 1}


BROKEN: list[dict[str, object]] = [
    {"buckets": []},
    {"count": "1", "buckets": [[0, "1", "2"]]},
    {"count": "1", "buckets": [[0, "2", "1", "1"]]},
    {"count": "1", "buckets": [[0, "-2", "-1", "1"]]},
    {"count": "1", "buckets": [[0, "1", "2", "-1"]]},
    {"count": "1", "buckets": [[0, "1", "2", "NaN"]]},
    {"count": "1", "buckets": 7},
]


@pytest.mark.parametrize("histogram", BROKEN, ids=str)
def test_what_is_no_histogram(histogram: dict[str, object]) -> None:
    with pytest.raises(AdapterError, match="cannot be read"):
        series_of([{"metric": {}, "histograms": [[1.0, histogram]]}], 1_000_000)


def test_bounds_are_read_as_the_api_writes_them() -> None:
    shown = {"count": "3", "buckets": [[3, "-0.001", "0.001", "1"], [0, "0.5", "+Inf", "2"]]}
    assert counts_of(shown) == {(-0.001, 0.001): 1, (0.5, math.inf): 2}
