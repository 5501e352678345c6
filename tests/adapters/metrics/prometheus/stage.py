"""Traffic for Prometheus to count: an edge that it scrapes. Each stage has series of its own, told apart by `run`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import aiohttp
from tests.adapters.metrics.prometheus.exporter import Exporter
from tests.adapters.metrics.prometheus.server import PrometheusServer

from headgate.adapters.metrics.prometheus.source import PrometheusMetrics
from headgate.model.ids import RevisionId
from headgate.model.measurements import Query, Reading, Window
from headgate.testing.contracts.metrics import CANDIDATE, STABLE

PATIENCE = 20.0  # seconds
MATCHERS = 'service="{service}", revision="{revision}", via="public"'
RUNS = count(1)


def settings(url: str, matchers: str = MATCHERS, **more: str) -> dict[str, str]:
    """As the file would say it. Five scrapes of half a second: after 2.5 s a sample is stale."""
    return {
        "url": url,
        "requests": f"http_requests_total{{{matchers}}}",
        "errors": f'http_requests_total{{{matchers}, code=~"5.."}}',
        "latency": f"http_request_duration_seconds_bucket{{{matchers}}}",
        "scrape_interval": "0.5",
        **more,
    }


class Configured:
    """As the engine asks: with the settings of the environment."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.source = PrometheusMetrics()
        self.settings = settings

    async def read(self, query: Query, revision: RevisionId, window: Window) -> Reading:
        return await self.source.read(replace(query, settings=self.settings), revision, window)


class PrometheusStage:
    def __init__(self, server: PrometheusServer) -> None:
        self.server = server
        self.run = str(next(RUNS))
        self.edge = Exporter(self.run, server.ports[0])
        self.exporters = [self.edge]
        self.metrics = Configured(settings(server.url, f'{MATCHERS}, run="{self.run}"'))
        self.client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def begin(self) -> None:
        for service in ("web", "quotes"):
            for revision in (STABLE, CANDIDATE):
                self.edge.begin(service, revision)
        await self.edge.start()
        await self.caught_up()

    async def add(self, **more: float | None) -> Exporter:
        """Another instance."""
        made = Exporter(self.run, self.server.ports[len(self.exporters)], **more)
        self.exporters.append(made)
        await made.start()
        return made

    async def visit(
        self, service: str, revision: RevisionId, count: int = 1, status: int = 200, takes: timedelta = timedelta(0)
    ) -> None:
        await self._ask(service, revision, count, status, takes.total_seconds(), "public")

    async def preview(self, service: str, count: int) -> None:
        await self._ask(service, CANDIDATE, count, 200, 0.0, "preview")

    async def _ask(self, service: str, revision: str, count: int, status: int, takes: float, via: str) -> None:
        gate, url = asyncio.Semaphore(10), f"http://127.0.0.1:{self.edge.port}/visit/{service}/{revision}"
        query = {"status": str(status), "takes": str(takes), "via": via}

        async def once() -> None:
            async with gate, self.client.get(url, params=query, allow_redirects=False) as answer:
                assert answer.status == status

        await asyncio.gather(*(once() for _ in range(count)))
        await self.caught_up()

    async def caught_up(self) -> None:
        """Until Prometheus shows all that was counted."""
        shown = sum(sum(one.counted.values()) for one in self.exporters if one.runner)
        await self.until(f'sum(http_requests_total{{run="{self.run}"}})', lambda value: value == shown)

    async def until(self, query: str, holds: Callable[[float | None], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds(await self._value(query)):
                await asyncio.sleep(0.05)

    async def _value(self, query: str) -> float | None:
        try:
            async with self.client.get(f"{self.server.url}/api/v1/query", params={"query": query}) as answer:
                result = (await answer.json())["data"]["result"] if answer.status == 200 else []
        except aiohttp.ClientConnectionError:
            return None
        return float(result[0]["value"][1]) if result else None

    async def die(self, service: str, revision: RevisionId) -> None:
        self.edge.dead.add((service, revision))

    async def restart(self) -> None:
        await self.metrics.source.close()
        self.metrics = Configured(self.metrics.settings)

    async def go_blind(self) -> None:
        self.server.kill()

    async def end(self) -> None:
        await asyncio.gather(*(one.stop() for one in self.exporters), self.metrics.source.close(), self.client.close())


@asynccontextmanager
async def scraped(server: PrometheusServer) -> AsyncIterator[PrometheusStage]:
    stage = PrometheusStage(server)
    try:
        await stage.begin()
        yield stage
    finally:
        await stage.end()
