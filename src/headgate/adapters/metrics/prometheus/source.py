"""The reading: three selectors, one window, one sample; or the reason why there is none."""

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

from headgate.adapters.metrics.prometheus.client import CLOCKS, TIMEOUT, PrometheusClient, silent
from headgate.adapters.metrics.prometheus.cuts import Cut, Cuts
from headgate.adapters.metrics.prometheus.histogram import latency, whole
from headgate.adapters.metrics.prometheus.increase import Span, increase, unseen
from headgate.adapters.metrics.prometheus.series import Series
from headgate.adapters.metrics.prometheus.settings import ROLES, PrometheusSettings, Role, placeholders
from headgate.adapters.metrics.prometheus.targets import look
from headgate.model.ids import RevisionId
from headgate.model.measurements import NoData, Query, Reading, Sample, Window
from headgate.ports import AdapterError

_LOOKBACK = 300_000  # ms; as in Prometheus itself: a target not scraped for so long is gone


class Asked(NamedTuple):
    """One service of one revision, at one Prometheus."""

    settings: PrometheusSettings
    selectors: dict[Role, str]  # filled in
    revision: RevisionId
    start: int  # ms since 1970
    end: int

    @property
    def key(self) -> tuple[str, ...]:
        return str(self.settings.server.url), *self.selectors.values()

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
            asked = _asked(query, revision, window)
            async with asyncio.timeout(TIMEOUT.total_seconds()):
                return await self._sample(asked)
        except TimeoutError:
            return NoData(silent(asked.settings.server))
        except AdapterError as error:
            return NoData(str(error))

    async def close(self) -> None:
        await self._client.close()

    async def _sample(self, asked: Asked) -> Reading:
        found: dict[Role, list[Series]] = {}
        for role in ROLES:  # one after the other: see Cut.of
            found[role] = await self._series(asked, role)
            if not found["requests"]:
                raise AdapterError(f"Prometheus knows no series {asked.selectors['requests']}")
        if not found["errors"]:
            await self._check_no_errors(asked, found["requests"])
        since = self._cuts.at(asked.key, asked.start) or Cut(found, asked.start)
        until = self._cuts.keep(asked.key, asked.end, lambda: Cut(found, asked.end))
        return sample(found, await self._span(asked, found, since, until), asked)

    async def _series(self, asked: Asked, role: Role) -> list[Series]:
        return await self._client.samples(
            asked.settings.server, asked.selectors[role], asked.start - _LOOKBACK, asked.end
        )

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
        errors = asked.settings.selectors["errors"]
        if errors.name == asked.settings.selectors["requests"].name:
            labels = {label for series in requests for label in series.labels}
            unknown = next((one.label for one in errors.matchers if one.needs_label and one.label not in labels), None)
            if unknown:
                raise AdapterError(f"no series of {errors.name} has the label {unknown}, which `errors` selects by")
        elif errors.name and (asked.key[0], errors.name) not in self._exist:
            if not await self._client.exists(asked.settings.server, f"count({errors.name})", asked.end):
                why = "check `errors`, or have the service begin it at zero"
                raise AdapterError(f"Prometheus knows no series {errors.name} at all: {why}")
            self._exist.add((asked.key[0], errors.name))


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
        raise AdapterError(f"Prometheus knows no series {asked.selectors['latency']}")
    return Sample(requests, errors, latency(found["latency"], span))


def _asked(query: Query, revision: RevisionId, window: Window) -> Asked:
    """Raises AdapterError."""
    settings = PrometheusSettings.of(query.settings)
    if window.start > window.end or window.end > datetime.now(UTC) + CLOCKS:
        raise AdapterError("this window ends before it begins, or in the future: the clock was set back")
    names = placeholders(query, revision)
    selectors = {role: selector.filled(names) for role, selector in settings.selectors.items()}
    start, end = (int(moment.timestamp() * 1000) for moment in (window.start, window.end))
    return Asked(settings, selectors, revision, start, end)
