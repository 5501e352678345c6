"""The policies of Flagger, Argo Rollouts and Kayenta, written from their documentation and source.

They see minutes or ten-second points of the same traffic. "Tuned": the thresholds that put back at most 1 % of the good
releases of this very world, which nobody can know.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.verdicts.world import Floats

Never = np.inf
POINT = 10  # seconds

# Flagger (docs: tutorials, `analysis`): every minute, request-success-rate >= 99 % and request-duration p99 <= 500 ms
# over the last minute, threshold 5. failedChecks is never reset, and the roll back happens in the loop after the one in
# which it reached the threshold. Argo Rollouts (docs: analysis): success rate >= 0.95, failureLimit 3, so the fourth
# failure aborts; the documented interval is five minutes, here one. Kayenta (NetflixACAJudge): Mann-Whitney on points
# of candidate and stable, confidence 0.98; High if the lower bound of the shift is above a quarter of its estimate.

FLAGGER_FAILURES = 5
ARGO_FAILURES = 4
CONFIDENCE = 0.98
TOLERANCE = 0.25


@dataclass
class Series:
    """Points by release: each array is [point, release]; latencies in ms."""

    errors: Floats
    p50: Floats
    p99: Floats
    stable_errors: Floats
    stable_p50: Floats
    stable_p99: Floats


def share(bad: Floats, of: Floats) -> Floats:
    return bad / np.maximum(of, 1)


def quantile(requests: Floats, slow: Floats, edges: Floats, beyond: float) -> Floats:
    """Latency that the share `beyond` exceeds, between the edges by log time; `slow` is [..., edge]."""
    places = np.log(edges)
    shares = slow / np.maximum(requests[..., None], 1)
    after = np.clip((shares > beyond).sum(axis=-1), 1, len(edges) - 1)
    left = np.take_along_axis(shares, after[..., None] - 1, axis=-1)[..., 0]
    right = np.take_along_axis(shares, after[..., None], axis=-1)[..., 0]
    part = np.clip((left - beyond) / np.maximum(left - right, 1e-9), 0, 1)
    return np.exp(places[after - 1] + part * (places[after] - places[after - 1]))


def minutes(points: Floats) -> Floats:
    """Mean of each six points."""
    return points[: len(points) // 6 * 6].reshape(-1, 6, points.shape[1]).mean(axis=1)


def failures(values: Floats, limit: float) -> NDArray[np.bool_]:
    return values > limit


def nth_failure(failed: NDArray[np.bool_], count: int, later: int) -> Floats:
    """Second at which a minute's check fails for the `count`th time, `later` minutes on; never: infinity."""
    reached = np.cumsum(failed, axis=0) >= count
    first = np.where(reached.any(axis=0), reached.argmax(axis=0) + 1 + later, Never)
    return np.where(first <= len(failed), first * 60.0, Never)


def flagger(errors: Floats, p99: Floats, success: float = 0.99, slowest: float = 500.0) -> Floats:
    """`errors`, `p99`: [minute, release]. Seconds until the roll back."""
    return nth_failure((errors > 1 - success) | (p99 > slowest), FLAGGER_FAILURES, 1)


def argo(errors: Floats, success: float = 0.95) -> Floats:
    return nth_failure(errors > 1 - success, ARGO_FAILURES, 0)


def tuned_limit(values: Floats, count: int, later: int, rate: float) -> float:
    """The limit that `rate` of these (good) releases break `count` times in time."""
    counted = np.sort(values[: len(values) - later], axis=0)[-count]
    return float(np.quantile(counted, 1 - rate, method="higher"))


def kayenta(series: Series, upto: int) -> NDArray[np.bool_]:
    """Any metric High after `upto` points."""
    pairs = (
        (series.errors, series.stable_errors),
        (series.p50, series.stable_p50),
        (series.p99, series.stable_p99),
    )
    return np.any([_high(mine[:upto], theirs[:upto]) for mine, theirs in pairs], axis=0)


def kayenta_once(series: Series) -> Floats:
    """Ten points of a minute, judged once."""
    by_minute = Series(*(minutes(getattr(series, name)) for name in Series.__dataclass_fields__))
    return np.where(kayenta(by_minute, len(by_minute.errors)), 60.0 * len(by_minute.errors), Never)


def kayenta_every_minute(series: Series) -> Floats:
    """Points of ten seconds, from the third minute on."""
    found = np.full(series.errors.shape[1], Never)
    for upto in range(18, len(series.errors) + 1, 6):
        left = np.isinf(found)
        if not left.any():
            break
        part = Series(*(getattr(series, name)[:, left] for name in Series.__dataclass_fields__))
        found[left] = np.where(kayenta(part, upto), upto * float(POINT), Never)
    return found


def _high(mine: Floats, theirs: Floats) -> NDArray[np.bool_]:
    """Hodges-Lehmann shift with the bounds of `wilcox.test`."""
    differences = (mine[:, None, :] - theirs[None, :, :]).reshape(-1, mine.shape[1])
    size = len(differences)
    low = _rank(len(mine), (1 - CONFIDENCE) / 2)
    middle = (size - 1) // 2
    ordered = np.partition(differences, (low, middle, size - 1 - middle), axis=0)
    estimate = (ordered[middle] + ordered[size - 1 - middle]) / 2
    return ordered[low] > TOLERANCE * np.abs(estimate)


def _rank(points: int, tail: float) -> int:
    """0-based rank of the lower bound: exact up to 12 points an arm, normal beyond."""
    if points > 12:
        wide = np.sqrt(points * points * (2 * points + 1) / 12)
        return max(int(np.floor(points * points / 2 - 2.3263 * wide)), 0)
    ways = np.zeros(points * points + 1)
    ways[0] = 1.0
    counts = [ways] + [np.zeros_like(ways) for _ in range(points)]
    for value in range(1, 2 * points + 1):  # rank sums of `points` of the first `value` ranks
        for taken in range(min(value, points), 0, -1):
            shift = value - taken
            if shift <= points * points:
                counts[taken][shift:] += counts[taken - 1][: len(ways) - shift]
    share_below = np.cumsum(counts[points]) / counts[points].sum()
    return max(int(np.searchsorted(share_below, tail)) - 1, 0)
