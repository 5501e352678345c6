"""What Prometheus scrapes in these tests: a small edge that answers visits and counts them, in the official format."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web

from headgate.model.measurements import edge

BOUNDS = [edge(index) / 1000 for index in range(105)]  # seconds; as fine as the model's, up to 8 s
Row = tuple[str, str, str, str]  # service, revision, via, code


@dataclass
class Exporter:
    run: str
    port: int
    counted: Counter[Row] = field(default_factory=Counter)
    buckets: dict[tuple[str, str, str], Counter[int]] = field(default_factory=dict)
    dead: set[tuple[str, str]] = field(default_factory=set)
    began: float | None = field(default_factory=time.time)  # process_start_time_seconds; None: not exported
    said: str | None = None  # instead of the metrics
    slow: float = 0.0  # seconds that a scrape takes: it is seen so much later than its time stamp
    runner: web.AppRunner | None = None

    def begin(self, service: str, revision: str, via: str = "public") -> None:
        """At zero, as client libraries do for labels that are known."""
        self.counted[service, revision, via, "200"] += 0
        self.buckets.setdefault((service, revision, via), Counter())

    def count(
        self, service: str, revision: str, status: int = 200, seconds: float = 0.005, via: str = "public"
    ) -> None:
        self.counted[service, revision, via, str(status)] += 1
        below = next((place for place, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
        self.buckets.setdefault((service, revision, via), Counter())[below] += 1

    def restart(self) -> None:
        for counts in (self.counted, *self.buckets.values()):
            for key in counts:
                counts[key] = 0

    async def start(self) -> None:
        app = web.Application()
        app.add_routes([web.get("/metrics", self._metrics), web.get("/visit/{service}/{revision}", self._visit)])
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self.runner:
            await self.runner.cleanup()
        self.runner = None

    async def _visit(self, request: web.Request) -> web.Response:
        service, revision, began = request.match_info["service"], request.match_info["revision"], time.perf_counter()
        status = int(request.query["status"])
        if (service, revision) in self.dead:
            status = 503
        else:
            await asyncio.sleep(float(request.query["takes"]))
        self.count(service, revision, status, time.perf_counter() - began, request.query["via"])
        return web.Response(status=status)

    async def _metrics(self, request: web.Request) -> web.Response:
        text = self.said if self.said is not None else self.text()
        await asyncio.sleep(self.slow)
        return web.Response(text=text)

    def text(self) -> str:
        lines = ["# TYPE http_requests_total counter"]
        for (service, revision, via, code), count in self.counted.items():
            labels = f'run="{self.run}",service="{service}",revision="{revision}",via="{via}"'
            lines.append(f'http_requests_total{{{labels},code="{code}"}} {count}')
        lines.append("# TYPE http_request_duration_seconds histogram")
        for (service, revision, via), counts in self.buckets.items():
            labels, upto = f'run="{self.run}",service="{service}",revision="{revision}",via="{via}"', 0
            for place, bound in enumerate([*BOUNDS, float("inf")]):
                upto += counts[place]
                le = "+Inf" if place == len(BOUNDS) else f"{bound:.9g}"
                lines.append(f'http_request_duration_seconds_bucket{{{labels},le="{le}"}} {upto}')
            lines.append(f"http_request_duration_seconds_count{{{labels}}} {upto}")
        if self.began is not None:
            lines += ["# TYPE process_start_time_seconds gauge", f"process_start_time_seconds {self.began:.3f}"]
        return "\n".join(lines) + "\n"
