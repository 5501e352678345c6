"""A real Prometheus on loopback that scrapes what a test gives it, every 300 ms, and ends with the test."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from tests.adapters.metrics.prometheus.exporter import Exporter
from tests.conftest import require

from headgate.adapters.metrics.prometheus.source import PrometheusMetrics
from headgate.model.ids import RevisionId
from headgate.model.measurements import Query, Reading, Window
from headgate.testing.contracts.metrics import CANDIDATE, STABLE

PATIENCE = 20.0  # seconds
CONFIGURATION = """\
global: {scrape_interval: 300ms, scrape_timeout: 300ms}
scrape_configs:
  - {job_name: edge, file_sd_configs: [{files: [targets.json], refresh_interval: 200ms}]}
"""
MATCHERS = 'service="{service}", revision="{revision}", via="public"'


def settings(url: str, **more: str) -> dict[str, str]:
    """As the file would say it. Five scrapes of half a second are stale after 2.5 s."""
    return {
        "url": url,
        "requests": f"http_requests_total{{{MATCHERS}}}",
        "errors": f'http_requests_total{{{MATCHERS}, code=~"5.."}}',
        "latency": f"http_request_duration_seconds_bucket{{{MATCHERS}}}",
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
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exporters = [Exporter()]
        self.url = ""
        self.process: asyncio.subprocess.Process | None = None
        self.client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))

    @property
    def edge(self) -> Exporter:
        return self.exporters[0]

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def begin(self) -> None:
        for service in ("web", "quotes"):
            for revision in (STABLE, CANDIDATE):
                self.edge.begin(service, revision)
        await self.edge.start()
        await self.start_prometheus()
        self.metrics = Configured(settings(self.url))
        await self.caught_up()

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
        counted = sum(sum(one.counted.values()) for one in self.exporters if one.runner)
        await self.until("sum(http_requests_total)", lambda found: found == counted)

    async def until(self, query: str, holds: object) -> None:
        assert callable(holds)
        async with asyncio.timeout(PATIENCE):
            while not holds(await self.value(query)):
                await asyncio.sleep(0.05)

    async def value(self, query: str) -> float | None:
        try:
            async with self.client.get(f"{self.url}/api/v1/query", params={"query": query}) as answer:
                result = (await answer.json())["data"]["result"] if answer.status == 200 else []
        except aiohttp.ClientConnectionError:
            return None
        return float(result[0]["value"][1]) if result else None

    async def add(self, exporter: Exporter) -> None:
        await exporter.start()
        self.exporters.append(exporter)
        self.write_targets()

    def write_targets(self) -> None:
        targets = [{"targets": [f"127.0.0.1:{one.port}" for one in self.exporters]}]
        beside = self.folder / "targets.new"
        beside.write_text(json.dumps(targets))
        beside.rename(self.folder / "targets.json")

    async def die(self, service: str, revision: RevisionId) -> None:
        self.edge.dead.add((service, revision))

    async def restart(self) -> None:
        await self.metrics.source.close()
        self.metrics = Configured(self.metrics.settings)

    async def go_blind(self) -> None:
        await self.stop_prometheus()

    async def start_prometheus(self) -> None:
        self.write_targets()
        (self.folder / "prometheus.yml").write_text(CONFIGURATION)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        flags = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
        with (self.folder / "prometheus.log").open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                require("prometheus"), *flags, "--log.level=warn", cwd=self.folder, stdout=log, stderr=log
            )

    async def stop_prometheus(self) -> None:
        if self.process:
            self.process.kill()
            await self.process.wait()
        self.process = None

    async def end(self) -> None:
        await self.stop_prometheus()
        await asyncio.gather(*(one.stop() for one in self.exporters), self.metrics.source.close(), self.client.close())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def scraped(folder: Path) -> AsyncIterator[PrometheusStage]:
    stage = PrometheusStage(folder)
    stage.metrics = Configured({})
    try:
        await stage.begin()
        yield stage
    finally:
        await stage.end()
