"""The reading: three selectors, one window, one sample; or the reason why there is none."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from headgate.adapters.metrics.prometheus.client import CLOCKS, TIMEOUT, PrometheusClient, silent
from headgate.adapters.metrics.prometheus.cuts import Cut, Cuts
from headgate.adapters.metrics.prometheus.expressions import count
from headgate.adapters.metrics.prometheus.histogram import latency, whole
from headgate.adapters.metrics.prometheus.increase import Span, increase, unseen
from headgate.adapters.metrics.prometheus.series import Series
from headgate.adapters.metrics.prometheus.settings import (
    ROLES,
    Expressions,
    PrometheusSettings,
    Role,
    placeholders,
    server_of,
)
from headgate.adapters.metrics.prometheus.targets import look
from headgate.model.ids import RevisionId
from headgate.model.measurements import NoData, Query, Reading, Sample, Window
from headgate.model.selectors import Selector
from headgate.ports import AdapterError

_LOOKBACK = 300_000  # ms; as in Prometheus itself: a target not scraped for so long is gone


class Asked(NamedTuple):
    """One service of one revision, at one Prometheus."""

    settings: PrometheusSettings
    selectors: dict[Role, tuple[str, ...]]  # filled in
    revision: RevisionId
    start: int  # ms since 1970
    end: int

    @property
    def key(self) -> tuple[str, ...]:
        return str(self.settings.server.url), *(one for many in self.selectors.values() for one in many)

    def said(self, role: Role) -> str:
        return " or ".join(self.selectors[role])

    @property
    def stale(self) -> int:
        return round(self.settings.stale.total_seconds() * 1000)


class PrometheusMetrics:
    def __init__(self) -> None:
        self._client = PrometheusClient()
        self._cuts: Cuts[tuple[str, ...]] = Cuts()
        self._exist: set[tuple[str, str]] = set()  # metrics that were found: server and name

    async def read(self, query: Query, revision: RevisionId, window: Window) -> Reading:
        try:
            _check_window(window)
            expressions = Expressions.of(query.settings)
            async with asyncio.timeout(TIMEOUT.total_seconds()):
                if expressions:
                    return await self._counted(expressions, query, revision, window)
                return await self._sample(_asked(query, revision, window))
        except TimeoutError:
            return NoData(silent(server_of(query.settings)))
        except AdapterError as error:
            return NoData(str(error))

    async def _counted(self, asked: Expressions, query: Query, revision: RevisionId, window: Window) -> Reading:
        """No more than was scraped by now is in it, and adjacent windows need not add up: see docs/metrics.md."""
        start, end = (round(moment.timestamp() * 1000) for moment in (window.start, window.end))
        names = {**placeholders(query, revision), "window": f"{max(end - start, 1)}ms"}
        return await count(self._client, asked, names, end)

    async def close(self) -> None:
        await self._client.close()

    async def _sample(self, asked: Asked) -> Reading:
        found: dict[Role, list[Series]] = {}
        for role in ROLES:  # one after the other: see Cut.of
            found[role] = await self._series(asked, role)
            if not found["requests"]:
                raise AdapterError(f"Prometheus knows no series {asked.said('requests')}")
        if not found["errors"]:
            await self._check_no_errors(asked, found["requests"])
        since = self._cuts.at(asked.key, asked.start) or Cut(found, asked.start)
        until = self._cuts.keep(asked.key, asked.end, lambda: Cut(found, asked.end))
        return sample(found, await self._span(asked, found, since, until), asked)

    async def _series(self, asked: Asked, role: Role) -> list[Series]:
        """Each once, however many of the selectors match it."""
        server, before = asked.settings.server, asked.start - _LOOKBACK
        found = [await self._client.samples(server, one, before, asked.end) for one in asked.selectors[role]]
        every = {frozenset(series.labels.items()): series for many in found for series in many}
        return list(every.values())

    async def _span(self, asked: Asked, found: dict[Role, list[Series]], since: Cut, until: Cut) -> Span:
        """With what can be known of targets that are new, and of those that are scraped no longer."""
        span = Span(asked.start, asked.end, asked.stale, since, until, {})
        late = {target: at for target, at in until.targets.items() if at < asked.end - asked.stale}
        if len(late) == len(until.targets):
            seconds = (asked.end - max(late.values(), default=asked.end - _LOOKBACK)) / 1000
            raise AdapterError(f"Prometheus has not scraped {asked.revision} for {seconds:.0f} s at this window's end")
        new = unseen(found, span)
        if not late and not new:
            return span
        server, before = asked.settings.server, asked.start - _LOOKBACK
        targets = await look(self._client, server, late.keys() | new.keys(), asked.start, asked.end, before)
        for target, at in late.items():
            targets.check_seen(target, at, asked.end, asked.stale)
        born = {target: targets.born(target, first, asked.start, asked.stale) for target, first in new.items()}
        return Span(asked.start, asked.end, asked.stale, since, until, born)

    async def _check_no_errors(self, asked: Asked, requests: list[Series]) -> None:
        """No series of errors: none so far, or a selector that never matches. Told apart as far as can be."""
        counted = {one.name for one in asked.settings.selectors["requests"]}
        labels = {label for series in requests for label in series.labels}
        selectors = asked.settings.selectors["errors"]
        wrong = [(one.name, label) for one in selectors if one.name in counted and (label := unknown(one, labels))]
        if len(wrong) == len(selectors):  # of several, some may be for another Prometheus than this one
            raise AdapterError(f"no series of {wrong[0][0]} has the label {wrong[0][1]}, which `errors` selects by")
        for errors in selectors:
            if errors.name and errors.name not in counted and (asked.key[0], errors.name) not in self._exist:
                await self._check_exists(asked, errors.name)

    async def _check_exists(self, asked: Asked, name: str) -> None:
        if not await self._client.exists(asked.settings.server, f"count({name})", asked.end):
            why = "check `errors`, or have the service begin it at zero"
            raise AdapterError(f"Prometheus knows no series {name} at all: {why}")
        self._exist.add((asked.key[0], name))


def unknown(selector: Selector, labels: Collection[str]) -> str | None:
    """A label that it selects by and that no series has."""
    return next((one.label for one in selector.matchers if one.needs_label and one.label not in labels), None)


def sample(found: dict[Role, list[Series]], span: Span, asked: Asked) -> Sample:
    """Raises AdapterError."""
    for series in found["requests"] + found["errors"]:
        if "le" in series.labels:
            raise AdapterError(f"{series} is a bucket of a histogram, and each bucket counts the ones below it again")
    requests, errors = (
        whole(sum(increase(role, one, span) for one in found[role]), role) for role in ("requests", "errors")
    )
    if errors > requests:
        raise AdapterError(f"Prometheus counts {errors} errors in {requests} requests: check both selectors")
    if requests and not found["latency"]:
        raise AdapterError(f"Prometheus knows no series {asked.said('latency')}")
    return Sample(requests, errors, latency(found["latency"], span, asked.settings.unit))


def _check_window(window: Window) -> None:
    if window.start > window.end or window.end > datetime.now(UTC) + CLOCKS:
        raise AdapterError("this window ends before it begins, or in the future: the clock was set back")


def _asked(query: Query, revision: RevisionId, window: Window) -> Asked:
    """Raises AdapterError."""
    settings = PrometheusSettings.of(query.settings)
    names = placeholders(query, revision)
    selectors = {role: tuple(one.filled(names) for one in each) for role, each in settings.selectors.items()}
    start, end = (int(moment.timestamp() * 1000) for moment in (window.start, window.end))
    return Asked(settings, selectors, revision, start, end)
