"""Metric source `envoy`: requests, errors and latency of each revision, as differences of Envoy's own counters.

A window is the difference of two snapshots: for each of its ends the first one taken at that moment or after it. So
adjacent windows share a snapshot, and their samples add up to exactly what was counted.
"""

import asyncio
import math
import re
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.adapters.envoy_admin import EnvoyAdmin, EnvoySettings, cluster_name, owner
from headgate.model.ids import RevisionId
from headgate.model.measurements import BUCKETS_PER_DOUBLING, NoData, Query, Reading, Sample, Window
from headgate.ports import AdapterError, Host

_LATE = timedelta(seconds=1)  # a snapshot further behind a window's end does not stand for it
_KEPT = 512  # snapshots

# `upstream_rq_completed` and `upstream_rq_5xx` count each request once, with the status its sender got: also when Envoy
# answered for want of an instance (refused, reset, silent), never for an attempt that was retried. `upstream_rq_total`
# counts attempts. Requests whose sender left before the answer are in none of them.
_STATS = r"^cluster\..*/live\.upstream_rq_(completed|5xx|time)$"
_MERGE_SECONDS = 0.01  # worker threads hand over their histograms within that


@dataclass(slots=True)
class Counted:
    """One cluster, since it was made."""

    requests: int = 0
    errors: int = 0
    latency: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    at: datetime
    process: int  # pid of the Envoy that counted
    clusters: dict[str, Counted]


def create(host: Host) -> "EnvoyMetrics":
    return EnvoyMetrics(EnvoySettings(host.envoy))


class EnvoyMetrics:
    def __init__(self, settings: EnvoySettings) -> None:
        self._admin = EnvoyAdmin(settings.folder)
        self._snapshots: deque[Snapshot] = deque(maxlen=_KEPT)
        self._looking = asyncio.Lock()

    async def read(self, query: Query, revision: RevisionId, window: Window) -> Reading:
        try:
            cluster = cluster_name(query.environment, query.service, revision, "live")
            async with self._looking:
                end = self._first_after(window.end) or await self._look()
        except AdapterError as error:
            return NoData(str(error))
        start = self._first_after(window.start)
        if start is None or start.at - window.start > _LATE:
            return NoData("Envoy was not looked at when this window began; the next window can be counted")
        if start is end or end.at - window.end > _LATE:
            return NoData("Envoy was not looked at when this window ended; the next window can be counted")
        return difference(cluster, start, end)

    async def close(self) -> None:
        await self._admin.close()

    def _first_after(self, moment: datetime) -> Snapshot | None:
        place = bisect_left(self._snapshots, moment, key=lambda one: one.at)
        return self._snapshots[place] if place < len(self._snapshots) else None

    async def _look(self) -> Snapshot:
        """Histograms are merged because someone asks, but after the answer: so ask twice."""
        await self._admin.text("/stats", {"filter": "^$"})
        await asyncio.sleep(_MERGE_SECONDS)
        query = {"format": "json", "histogram_buckets": "detailed", "filter": _STATS}
        process = owner(self._admin.socket)
        stats = await self._admin.json("/stats", query)
        if process is None or owner(self._admin.socket) != process:
            raise AdapterError("Envoy was restarted while its counters were read")
        found = snapshot(stats, datetime.now(UTC), process)
        if self._snapshots and found.at < self._snapshots[-1].at:
            self._snapshots.clear()  # the clock was set back: moments before and after cannot be compared
        self._snapshots.append(found)
        return found


def snapshot(stats: dict[str, Any], at: datetime, process: int) -> Snapshot:
    clusters: dict[str, Counted] = {}
    for stat in stats["stats"]:
        if "histograms" in stat:
            for one in stat["histograms"].get("details", []):
                _of(clusters, one["name"]).latency = latency(one.get("totals", []))
        elif stat["name"].endswith("_5xx"):
            _of(clusters, stat["name"]).errors = int(stat["value"])
        else:
            _of(clusters, stat["name"]).requests = int(stat["value"])
    return Snapshot(at, process, clusters)


def _of(clusters: dict[str, Counted], stat: str) -> Counted:
    return clusters.setdefault(re.sub(r"^cluster\.|\.[^.]*$", "", stat), Counted())


def latency(buckets: list[dict[str, float]]) -> dict[int, int]:
    """Envoy's log-linear buckets (90 to each power of ten, of milliseconds cut to whole ones) as the model's."""
    found: dict[int, int] = {}
    for bucket in buckets:
        middle = bucket["lower_bound"] + max(bucket["width"], 1.0) / 2
        index = max(0, math.ceil(BUCKETS_PER_DOUBLING * math.log2(middle)))
        found[index] = found.get(index, 0) + int(bucket["count"])
    return found


def difference(cluster: str, start: Snapshot, end: Snapshot) -> Reading:
    if end.process != start.process:
        return NoData("Envoy was restarted within this window, its counters began again at zero")
    after = end.clusters.get(cluster)
    if after is None:
        return NoData(f"Envoy knows no cluster {cluster}")
    before = start.clusters.get(cluster, Counted())  # made within the window: it began at zero
    slower = {index: count - before.latency.get(index, 0) for index, count in after.latency.items()}
    sample = Sample(
        after.requests - before.requests,
        after.errors - before.errors,
        {index: count for index, count in sorted(slower.items()) if count},
    )
    if min([sample.requests, sample.errors, *sample.latency.values()]) < 0:
        return NoData(f"the counters of {cluster} went back within this window: Envoy made it anew")
    return sample
