"""How much counters rose from one cut to the next: exact differences, with restarts and beginnings.

A counter that falls began again at zero. One that appears began at zero only where that is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from headgate.adapters.metrics.prometheus.cuts import Cut, Found
from headgate.adapters.metrics.prometheus.native import Counts, fell, rise
from headgate.adapters.metrics.prometheus.series import Series, Target, check_counter, name_of
from headgate.adapters.metrics.prometheus.settings import Role
from headgate.ports import AdapterError


@dataclass(frozen=True, slots=True)
class Span:
    """A window, milliseconds, between two cuts."""

    start: int
    end: int
    stale: int
    since: Cut
    until: Cut
    born: Mapping[Target, bool]  # of targets unseen at the start: whether all that they count belongs to this window

    def fresh(self, at: int | None) -> bool:
        """Whether a scrape stands for the start of the window."""
        return at is not None and at >= self.start - self.stale


def unseen(found: Found, span: Span) -> dict[Target, int]:
    """Targets that no scrape stands for when the window begins, and the time of the first that counts."""
    first: dict[Target, int] = {}
    for role, many in found.items():
        for series in many:
            places = _within(series, role, span)
            if places and not span.fresh(span.since.of(role, series.target)):
                at = series.times[places[0]]
                first[series.target] = min(at, first.get(series.target, at))
    return first


def increase(role: Role, series: Series, span: Span, resets: frozenset[int] = frozenset()) -> float:
    """`resets`: moments when it is known to have begun again, though it may not have fallen. Raises AdapterError."""
    check_counter(series)
    places = _within(series, role, span)
    if not places:
        return 0.0
    first = _beginning(role, series, span)
    value, total = 0.0 if first is None else series.values[first], 0.0
    for place in places:
        now = series.values[place]
        again = now < value or series.times[place] in resets
        total += now if again else now - value
        value = now
    return total


def rises(role: Role, series: Series, span: Span) -> list[Counts]:
    """Of a native histogram: what it counted at each scrape of the window. Raises AdapterError."""
    check_counter(series)
    places = _within(series, role, span)
    if not places:
        return []
    first = _beginning(role, series, span)
    before = [{} if first is None else series.native[first], *(series.native[place] for place in places)]
    return [rise(one, other) for one, other in pairwise(before)]


def falls(series: Series) -> set[int]:
    """Moments at which a counter was lower than before."""
    if series.native:
        both = zip(series.times[1:], pairwise(series.native), strict=True)
        return {at for at, (before, now) in both if fell(before, now)}
    values = list(zip(series.times, series.values, strict=True))
    return {at for (_, before), (at, now) in pairwise(values) if now < before}


def _within(series: Series, role: Role, span: Span) -> range:
    """Places of the samples behind the first cut, up to the second."""
    since, until = span.since.of(role, series.target), span.until.of(role, series.target)
    first = series.last(since) if since is not None else None
    last = series.last(until) if until is not None else None
    return range(0) if last is None else range(0 if first is None else first + 1, last + 1)


def _beginning(role: Role, series: Series, span: Span) -> int | None:
    """Place of the sample that it stood at when the window began. None: it began at zero."""
    since = span.since.of(role, series.target)
    if since is not None and span.fresh(since):
        place = series.last(since)
        known = place is not None and span.fresh(series.times[place])
        return place if known else None  # its target was scraped without it
    if span.born.get(series.target):
        return None
    raise AdapterError(
        f"Prometheus first saw {name_of(series.target)} within this window and cannot tell what it had counted before; "
        "the next window can be counted"
    )
