"""Increases, from samples as data: restarts, beginnings, and windows that add up wherever they are cut."""

import math
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.adapters.metrics.prometheus.cuts import Cut, Cuts
from headgate.adapters.metrics.prometheus.histogram import bucket, latency
from headgate.adapters.metrics.prometheus.increase import Span, increase, unseen
from headgate.adapters.metrics.prometheus.series import Series, Target, series_of
from headgate.adapters.metrics.prometheus.settings import Role
from headgate.adapters.metrics.prometheus.targets import Targets
from headgate.model.measurements import edge
from headgate.ports import AdapterError

HERE = ("edge", "a:1")
STALE = 100


def series(samples: Mapping[int, float], **labels: str) -> Series:
    return Series({"job": HERE[0], "instance": HERE[1], **labels}, list(samples), list(samples.values()))


def span(
    found: dict[Role, list[Series]], start: int, end: int, born: Mapping[Target, bool] | None = None, **cuts: Cut
) -> Span:
    since, until = cuts.get("since", Cut(found, start)), cuts.get("until", Cut(found, end))
    return Span(start, end, STALE, since, until, born or {})


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ({0: 5, 10: 7}, 2),
        ({0: 5, 10: 5}, 0),
        ({0: 5, 10: 7, 20: 9}, 4),
        ({0: 5, 10: 9, 20: 2, 30: 3}, 7),  # 4, then from zero 2 and 1
        ({0: 5, 10: 0, 20: 0}, 0),
        ({0: 5, 90: 7, 120: 100}, 2),  # behind the window
        ({0: 5}, 0),
        ({-90: 1, 0: 5, 10: 6}, 1),
    ],
)
def test_positive_steps_add_up(samples: dict[int, float], expected: float) -> None:
    one = series(samples)
    assert increase("requests", one, span({"requests": [one]}, 0, 100)) == expected


def test_what_appears_beside_others_of_its_target_began_at_zero() -> None:
    known, new = series({0: 5, 50: 6}, code="200"), series({50: 3}, code="500")
    within = span({"requests": [known, new]}, 0, 100)
    assert unseen({"requests": [known, new]}, within) == {}
    assert increase("requests", new, within) == 3


def test_what_appears_with_its_target_is_counted_if_it_is_known_to_be_new() -> None:
    new = series({50: 3, 60: 5})
    found: dict[Role, list[Series]] = {"requests": [new]}
    assert unseen(found, span(found, 0, 100)) == {HERE: 50}
    assert increase("requests", new, span(found, 0, 100, {HERE: True})) == 5
    with pytest.raises(AdapterError, match="first saw edge a:1 within this window"):
        increase("requests", new, span(found, 0, 100, {HERE: False}))


def test_what_was_not_scraped_for_long_is_as_if_new() -> None:
    back = series({-150: 3, 50: 5})
    found: dict[Role, list[Series]] = {"requests": [back]}
    assert unseen(found, span(found, 0, 100)) == {HERE: 50}
    with pytest.raises(AdapterError):
        increase("requests", back, span(found, 0, 100))


def test_errors_keep_to_the_scrape_that_requests_were_taken_from() -> None:
    """A scrape that arrives between two questions is in the next window for both."""
    requests, errors = series({0: 5, 50: 6}), series({0: 1, 50: 2, 100: 9})
    found: dict[Role, list[Series]] = {"requests": [requests], "errors": [errors]}
    assert increase("errors", errors, span(found, 0, 100)) == 1
    later = series({0: 5, 50: 6, 100: 20})
    next_window = span({"requests": [later], "errors": [errors]}, 100, 200, since=Cut(found, 100))
    assert (increase("requests", later, next_window), increase("errors", errors, next_window)) == (14, 7)


def test_the_first_cut_of_a_moment_stays_and_old_ones_go() -> None:
    cuts: Cuts[str] = Cuts()
    first = cuts.keep("a", 1, lambda: Cut({}, 1))
    assert cuts.keep("a", 1, lambda: Cut({}, 2)) is first
    for moment in range(2, 600):
        cuts.keep("a", moment, lambda: Cut({}, 1))
    assert cuts.at("a", 1) is None
    assert cuts.at("a", 599) is not None
    assert cuts.at("b", 599) is None


counts = st.lists(st.integers(0, 50), min_size=2, max_size=12)


@given(counts, st.lists(st.integers(1, 119), max_size=8, unique=True))
def test_windows_add_up_wherever_they_are_cut(values: list[int], moments: list[int]) -> None:
    one = series({10 * place: value for place, value in enumerate(values)})
    found: dict[Role, list[Series]] = {"requests": [one]}
    ends = [0, *sorted(moments), 120]
    parts = [increase("requests", one, span(found, *pair)) for pair in pairwise(ends)]
    assert sum(parts) == increase("requests", one, span(found, 0, 120))


# --- targets


def up(samples: Mapping[int, float]) -> Series:
    return series(samples, __name__="up")


def started(seconds: float, at: int = 50) -> Series:
    return series({at: seconds}, __name__="process_start_time_seconds")


@pytest.mark.parametrize(
    ("many", "watched", "expected"),
    [
        ([up({0: 1, 50: 1})], False, True),  # scraped without it
        ([up({0: 0, 50: 1})], True, False),  # could not be scraped
        ([up({50: 1})], True, False),  # first scraped with it
        ([up({-150: 1, 50: 1})], True, False),  # long ago
        ([started(0.02)], True, True),  # began at 20 ms, first scraped at 50
        ([started(0.02)], False, False),  # Prometheus itself was not there
        ([started(-0.5)], True, False),
        ([started(-0.05)], True, True),  # a little before the window: no scrape saw it
        ([started(0.02, at=60)], True, False),  # of a later process
        ([], True, False),
    ],
)
def test_whether_a_target_is_new(many: list[Series], watched: bool, expected: bool) -> None:
    assert Targets(many, watched).born(HERE, 50, 0, STALE) is expected


@pytest.mark.parametrize(("samples", "refused"), [({450: 0}, True), ({450: 1}, False), ({200: 0}, False), ({}, False)])
def test_a_target_that_is_gone_has_nothing_to_add(samples: dict[int, float], refused: bool) -> None:
    targets = Targets([up(samples)] if samples else [], True)
    if refused:
        with pytest.raises(AdapterError, match="could not scrape edge a:1"):
            targets.check_seen(HERE, 100, 500, STALE)
    else:
        targets.check_seen(HERE, 100, 500, STALE)


# --- histograms


def histogram(**upto: Mapping[int, float]) -> list[Series]:
    return [series(samples, le={"inf": "+Inf"}.get(name, name.replace("_", "."))) for name, samples in upto.items()]


def of(many: list[Series]) -> dict[int, int]:
    return latency(many, span({"latency": many}, 0, 100))


def buckets(**upto: Mapping[int, float]) -> list[Series]:
    """Named by bound: b0_1 is 0.1 s."""
    named = {name.removeprefix("b").replace("_", "."): samples for name, samples in upto.items()}
    return [series(samples, le="+Inf" if bound == "inf" else bound) for bound, samples in named.items()]


def test_buckets_are_put_at_their_upper_edges() -> None:
    found = of(buckets(b0_001={0: 1, 50: 2}, b0_256={0: 1, 50: 5}, b1={0: 1, 50: 5}, inf={0: 1, 50: 7}))
    assert found == {0: 1, 64: 3, bucket(1) + 8: 2}


def test_a_histogram_begins_again_as_a_whole() -> None:
    """The bucket 0.1 did not fall, 3 after 1, but what is beyond it did."""
    assert of(buckets(b0_1={0: 1, 50: 3}, inf={0: 5, 50: 3})) == {bucket(0.1): 3}


@pytest.mark.parametrize(
    ("many", "said"),
    [
        (buckets(b0_1={0: 0, 50: 3}, b1={0: 0, 50: 2}, inf={0: 0, 50: 3}), "contradict"),
        (buckets(b0_1={0: 0, 50: 3}, b1={0: 0, 50: 3}), "Inf is needed"),
        (buckets(inf={0: 0, 50: 3}), "Inf is needed"),
        (buckets(b0_1={0: 0, 50: 3}, b0_10={0: 0, 50: 3}, inf={0: 0, 50: 3}), "twice"),
        (buckets(nan={0: 0, 50: 3}, inf={0: 0, 50: 3}), "is none"),
        (buckets(b1e300={0: 0, 50: 3}, inf={0: 0, 50: 3}), "is none"),
        ([series({0: 0, 50: 3})], "no label le"),
        (buckets(b0_1={0: 0, 50: 0.5}, inf={0: 0, 50: 1}), "whole number"),
    ],
)
def test_what_is_no_histogram(many: list[Series], said: str) -> None:
    with pytest.raises(AdapterError, match=said):
        of(many)


@given(st.floats(0.0005, 1e7))
def test_a_bucket_of_the_model_holds_the_bound_and_no_more(seconds: float) -> None:
    index = bucket(seconds)
    assert edge(index) >= seconds * 1000 * (1 - 1e-6)
    assert index == 0 or edge(index - 1) < seconds * 1000


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_what_no_counter_can_be(value: float) -> None:
    one = series({0: 1, 50: value})
    with pytest.raises(AdapterError, match="no counter is that"):
        increase("requests", one, span({"requests": [one]}, 0, 100))


@pytest.mark.parametrize(
    "result",
    [
        [{}],
        [{"metric": {}, "values": [[1, "x"]]}],
        [{"metric": {}, "values": [[1]]}],
        [{"metric": {}, "values": [[2, "1"], [1, "1"]]}],
        [{"metric": {}, "values": [["inf", "1"]]}],
        [{"metric": {}, "values": [[1e9, "1"]]}],
        [{"metric": [], "values": []}],
        [{"metric": {}, "histograms": [[1, {}]]}],
        [1],
        [None],
    ],
)
def test_what_are_no_series(result: list[object]) -> None:
    with pytest.raises(AdapterError):
        series_of(result, 10_000)
