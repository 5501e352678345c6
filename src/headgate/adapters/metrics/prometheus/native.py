"""Native histograms: buckets with bounds of their own at each scrape, which may become coarser from one to the next.

A coarser bucket covers finer ones wholly, so what it counts can be compared with what they counted together.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

Bounds = tuple[float, float]
Counts = dict[Bounds, float]  # by bounds, rising; without empty buckets

_SAME = 1e-9  # of a bound: what floats make of it


def counts_of(histogram: Mapping[str, Any]) -> Counts:
    """As the HTTP API shows one sample. Raises KeyError, TypeError and ValueError for what is none."""
    found: defaultdict[Bounds, float] = defaultdict(float)
    for _, low, high, count in histogram.get("buckets", []):
        bounds = float(low), float(high)
        if not bounds[0] < bounds[1] or (bounds[0] < 0 and bounds[1] != -bounds[0]):  # the one around zero has both
            raise ValueError("bounds of no duration")
        found[bounds] += float(count)
    if not all(math.isfinite(count) and count >= 0 for count in found.values()):
        raise ValueError("a bucket that counts nothing")
    return {bounds: count for bounds, count in sorted(found.items()) if count}


def fell(before: Counts, now: Counts) -> bool:
    """Whether it began again in between: any bucket that counts fewer, or is gone, tells."""
    return _difference(before, now) is None


def rise(before: Counts, now: Counts) -> Counts:
    """By the bounds of `now`; all of it, where it began again."""
    difference = _difference(before, now)
    return now if difference is None else difference


def _difference(before: Counts, now: Counts) -> Counts | None:
    left, ordered = dict(now), list(now)
    highs = [high for _, high in ordered]
    for (low, high), count in before.items():
        place = bisect_left(highs, high * (1 - _SAME))
        if place == len(ordered) or ordered[place][0] > low + abs(low) * _SAME:
            return None
        left[ordered[place]] -= count
    return None if any(count < 0 for count in left.values()) else left
