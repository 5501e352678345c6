"""Series as Prometheus answers with them, and what was scraped together with what."""

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from headgate.adapters.metrics.prometheus.native import Counts, counts_of
from headgate.ports import AdapterError

Target = tuple[str, str]  # job and instance: what is scraped in one go, with one time stamp


@dataclass(frozen=True, slots=True)
class Series:
    labels: dict[str, str]
    times: list[int]  # milliseconds since 1970, rising
    values: list[float]  # of a native histogram: how many it counted
    native: list[Counts] = field(default_factory=list)  # beside each value, where it is a native histogram

    @property
    def target(self) -> Target:
        return self.labels.get("job", ""), self.labels.get("instance", "")

    def last(self, moment: int) -> int | None:
        """Place of the last sample at or before a moment."""
        place = bisect_right(self.times, moment)
        return place - 1 if place else None

    def before(self, moment: int) -> int | None:
        """Time of the last sample at or before a moment."""
        place = self.last(moment)
        return None if place is None else self.times[place]

    def __str__(self) -> str:
        name = self.labels.get("__name__", "")
        return f"{name}{{{','.join(f'{key}={value!r}' for key, value in self.labels.items() if key != '__name__')}}}"


def name_of(target: Target) -> str:
    return " ".join(part for part in target if part) or "a target without job and instance"


def series_of(result: list[Any], end: int) -> list[Series]:
    """Raises AdapterError for what is none."""
    try:
        found = [_series(one, end) for one in result]
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise AdapterError("Prometheus answered with series that cannot be read") from error
    return [one for one in found if one.times]


def _series(one: Any, end: int) -> Series:
    labels = {str(key): str(value) for key, value in one["metric"].items()}
    if "histograms" in one and one.get("values"):
        raise AdapterError(f"{labels.get('__name__')} was a number and a native histogram in turn: have one scraped")
    samples = one["histograms"] if "histograms" in one else one["values"]
    times = [round(float(at) * 1000) for at, _ in samples]
    native = [counts_of(histogram) for _, histogram in samples] if "histograms" in one else []
    values = [float(value["count"] if native else value) for _, value in samples]
    if any(later <= earlier for earlier, later in pairwise(times)) or (times and times[-1] > end):
        raise ValueError("samples out of order")
    return Series(labels, times, values, native)


def check_counter(series: Series) -> None:
    """Raises AdapterError for what no counter can be."""
    wrong = next((value for value in series.values if not math.isfinite(value) or value < 0), None)
    if wrong is not None:
        raise AdapterError(f"{series} was {wrong}: no counter is that")
