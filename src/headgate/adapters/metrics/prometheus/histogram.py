"""Histograms as the model's buckets: what a bucket counts is put at the model's bucket of its upper edge.

Both revisions are treated alike, so a comparison holds; a difference that stays within one bucket cannot be seen.
"""

import math
from collections import defaultdict
from collections.abc import Iterable

from headgate.adapters.metrics.prometheus.increase import Span, falls, increase, rises
from headgate.adapters.metrics.prometheus.native import Counts
from headgate.adapters.metrics.prometheus.series import Series
from headgate.model.measurements import BUCKETS_PER_DOUBLING
from headgate.ports import AdapterError

_LONGEST = 1e7  # seconds; a bound beyond that is none
_EXACT = 1e-6  # of a bucket: 0.256 s is 256 ms, whatever floats make of it


def latency(many: Iterable[Series], span: Span, unit: float = 1.0) -> dict[int, int]:
    """Requests by bucket of the model, of classic and native histograms; `unit` is in seconds. Raises AdapterError."""
    histograms: defaultdict[frozenset[tuple[str, str]], dict[float, Series]] = defaultdict(dict)
    total: defaultdict[int, float] = defaultdict(float)
    for series in many:
        if series.native:
            for counts in rises("latency", series, span):
                for index, count in by_model(counts, unit).items():
                    total[index] += count
            continue
        own = frozenset((key, value) for key, value in series.labels.items() if key != "le")
        bound = _bound(series)
        if bound in histograms[own]:
            raise AdapterError(f"the histogram of {series} has the bound le={bound:g} twice")
        histograms[own][bound] = series
    for buckets in histograms.values():
        for index, count in _counts(dict(sorted(buckets.items())), span, unit):
            total[index] += count
    return {index: whole(count, "latency") for index, count in sorted(total.items()) if count}


def bucket(seconds: float) -> int:
    """Of the model, for an upper edge."""
    if seconds <= 0.001:
        return 0
    return math.ceil(BUCKETS_PER_DOUBLING * math.log2(seconds * 1000) - _EXACT)


def whole(count: float, what: str) -> int:
    if abs(count - round(count)) > _EXACT:
        raise AdapterError(f"{what} rose by {count:g}: a count of requests is a whole number, select the raw counters")
    return round(count)


def by_model(counts: Counts, unit: float) -> dict[int, float]:
    """Bucket of the model -> requests."""
    found: defaultdict[int, float] = defaultdict(float)
    for (low, high), count in counts.items():
        found[_beyond(bucket(low * unit)) if high == math.inf else bucket(high * unit)] += count
    return found


def _beyond(last: int) -> int:
    """Slower than the last bound is taken for twice that bound: somewhere it must be."""
    return last + BUCKETS_PER_DOUBLING


def _counts(buckets: dict[float, Series], span: Span, unit: float) -> Iterable[tuple[int, float]]:
    """A histogram is cumulative, and begins again as a whole: one bucket that fell tells of all."""
    if math.inf not in buckets or len(buckets) < 2:
        raise AdapterError(f"the histogram of {next(iter(buckets.values()))} lacks buckets: le up to +Inf is needed")
    resets = frozenset(at for series in buckets.values() for at in falls(series))
    below, index = 0.0, 0
    for bound, series in buckets.items():
        upto = increase("latency", series, span, resets)
        if upto < below:
            raise AdapterError(f"the buckets of {series} contradict each other: fewer up to le={bound:g} than below it")
        index = _beyond(index) if bound == math.inf else bucket(bound * unit)
        yield index, upto - below
        below = upto


def _bound(series: Series) -> float:
    try:
        bound = float(series.labels["le"])
    except KeyError as error:
        why = "`latency` selects buckets, or a native histogram"
        raise AdapterError(f"{series} has no label le: {why}") from error
    except ValueError:
        bound = math.nan
    if math.isnan(bound) or (bound > _LONGEST and bound != math.inf):
        raise AdapterError(f"{series} has a bound that is none")
    return bound
