"""Each preset, and expressions, at a real Prometheus that scrapes what the source would expose."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from aiohttp import ClientConnectionError, ClientSession, web
from tests.adapters.metrics.prometheus.protobuf import TYPE, family
from tests.adapters.metrics.prometheus.server import PrometheusServer
from tests.spec.test_compile import compiled
from tests.spec.test_metrics import prometheus

from headgate.adapters.metrics.prometheus.histogram import bucket
from headgate.adapters.metrics.prometheus.source import PrometheusMetrics
from headgate.model.measurements import Query, Reading, Sample, Window
from headgate.spec.sections.presets import PRESETS
from headgate.testing.contracts.metrics import CANDIDATE, PRODUCTION, SECOND, STABLE

pytestmark = [pytest.mark.real("prometheus"), pytest.mark.asyncio(loop_scope="module")]

BOUNDS = ["0.1", "0.25", "0.5", "+Inf"]
TIMED = "http_server_request_duration_seconds"
WORKLOADS = {STABLE: "web-000000000001", CANDIDATE: "web-000000000002"}
REQUESTS = ((STABLE, 200, 0.2, 30), (CANDIDATE, 200, 0.2, 6), (CANDIDATE, 503, 0.4, 2), (CANDIDATE, 200, 0.2, 0))


def exposed(counted: dict[tuple[str, int], list[float]]) -> str:
    """Users' requests, and as many to the preview where a source can tell them."""
    lines: list[str] = []
    for (revision, code), seconds in counted.items():
        workload = WORKLOADS[revision]
        istio = f'reporter="source",destination_workload="{workload}",response_code="{code}"'
        service = WORKLOADS[STABLE]
        canary = f"pcw-production-{workload}-80" if revision == CANDIDATE else ""
        nginx = f'exported_service="{service}",service="metrics",canary="{canary}",status="{code}"'
        preview = f'exported_service="web-preview",service="metrics",canary="",status="{code}"'
        plain = f'service_name="web",service_version="{revision}",http_response_status_code="{code}"'
        for name in ("web", "web-preview"):
            named = f'{istio},destination_service_name="{name}"'
            lines.append(f"istio_requests_total{{{named}}} {len(seconds)}")
            lines += histogram("istio_request_duration_milliseconds", named, seconds, 1000)
        for labels in (nginx, preview) if revision == STABLE else (nginx,):
            lines.append(f"nginx_ingress_controller_requests{{{labels}}} {len(seconds)}")
            lines += histogram("nginx_ingress_controller_request_duration_seconds", labels, seconds)
        lines += histogram(TIMED, plain, seconds)
    return "\n".join([*lines, "process_start_time_seconds 1", ""])


def histogram(name: str, labels: str, seconds: list[float], unit: int = 1) -> list[str]:
    upto = {bound: sum(one <= float(bound) for one in seconds) for bound in BOUNDS}
    written = {bound: bound if bound == "+Inf" else f"{float(bound) * unit:g}" for bound in BOUNDS}
    buckets = [f'{name}_bucket{{{labels},le="{written[bound]}"}} {upto[bound]}' for bound in BOUNDS]
    return [*buckets, f"{name}_count{{{labels}}} {len(seconds)}"]


class Scraped:
    """Two targets: one speaks text, the other protobuf, as native histograms need it."""

    def __init__(self, server: PrometheusServer) -> None:
        self.server = server
        self.counted: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        self.source = PrometheusMetrics()
        for revision, code, _, _ in REQUESTS:
            self.counted[revision, code] = []

    async def text(self, request: web.Request) -> web.Response:
        return web.Response(text=exposed(self.counted))

    async def native(self, request: web.Request) -> web.Response:
        labels = ("http_response_status_code", "service_name", "service_version")
        rows = {
            tuple(zip(labels, (str(code), "web", revision), strict=True)): many
            for (revision, code), many in self.counted.items()
        }
        return web.Response(body=family(TIMED, rows), headers={"Content-Type": TYPE})

    async def serve(self) -> list[web.AppRunner]:
        runners = []
        for port, answer in zip(self.server.ports, (self.text, self.native), strict=False):
            app = web.Application()
            app.router.add_get("/metrics", answer)
            runners.append(web.AppRunner(app, access_log=None))
            await runners[-1].setup()
            await web.TCPSite(runners[-1], "127.0.0.1", port).start()
        return runners

    async def seen(self, requests: int) -> None:
        queries = (f"sum({TIMED}_count)", f"sum(histogram_count({TIMED}))")
        async with asyncio.timeout(20), ClientSession() as client:
            for query in queries:
                found = None
                while found != requests:
                    await asyncio.sleep(0.05)
                    found = await self.number(client, query)

    async def number(self, client: ClientSession, query: str) -> float | None:
        try:
            async with client.get(f"{self.server.url}/api/v1/query", params={"query": query}) as answer:
                result = (await answer.json())["data"]["result"] if answer.status == 200 else []
        except ClientConnectionError:  # it is still starting
            return None
        return float(result[0]["value"][1]) if result else None

    async def read(self, revision: str, since: datetime, until: datetime, **written: str | None) -> Reading:
        content = prometheus(url=self.server.url, scrape_interval="500ms", **written)
        settings = compiled(content).metric_settings
        return await self.source.read(Query(PRODUCTION, "web", settings), revision, Window(since, until))  # type: ignore[arg-type]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scraped(shared: PrometheusServer) -> AsyncIterator[tuple[Scraped, datetime, datetime]]:
    """With REQUESTS in one window."""
    made = Scraped(shared)
    runners = await made.serve()
    await made.seen(0)
    since = datetime.now(UTC)
    for revision, code, seconds, count in REQUESTS:
        made.counted[revision, code] += [seconds] * count
    await made.seen(sum(count for *_, count in REQUESTS))
    yield made, since, datetime.now(UTC)
    await made.source.close()
    await asyncio.gather(*(runner.cleanup() for runner in runners))


async def test_counts_of_every_preset(scraped: tuple[Scraped, datetime, datetime]) -> None:
    made, since, until = scraped
    for preset in PRESETS:
        asked = {"preset": preset, "requests": None, "errors": None, "latency": None}
        for revision, requests, errors, slow in ((STABLE, 30, 0, 0), (CANDIDATE, 8, 2, 2)):
            found = await made.read(revision, since, until, **asked)
            assert isinstance(found, Sample), (preset, found)
            assert (found.requests, found.errors) == (requests, errors), preset
            assert sum(found.latency.values()) == requests
            assert sum(count for index, count in found.latency.items() if index >= bucket(0.4)) == slow, preset


async def test_native_buckets_are_as_fine_as_the_models(scraped: tuple[Scraped, datetime, datetime]) -> None:
    made, since, until = scraped
    asked = {"preset": "opentelemetry-native", "requests": None, "errors": None, "latency": None}
    found = await made.read(CANDIDATE, since, until, **asked)
    assert isinstance(found, Sample)
    assert sorted(found.latency) == pytest.approx([bucket(0.2), bucket(0.4)], abs=1)


@pytest.mark.parametrize("name", [f"{TIMED}_bucket", TIMED], ids=["classic", "native"])
async def test_expressions_are_near(scraped: tuple[Scraped, datetime, datetime], name: str) -> None:
    """`increase` extrapolates to the edges of the window: counts are estimates."""
    made, since, until = scraped
    matchers = 'service_name="{service}", service_version="{revision}"'
    by = " by (le)" if name != TIMED else ""
    asked: dict[str, str | None] = {
        "requests": f"'sum(increase({TIMED}_count{{{matchers}}}[{{window}}]))'",
        "errors": f"""'sum(increase({TIMED}_count{{{matchers}, http_response_status_code="503"}}[{{window}}]))'""",
        "latency": f"'sum{by} (increase({name}{{{matchers}}}[{{window}}]))'",
    }
    found = await made.read(CANDIDATE, since - SECOND, until, **asked)  # two scrapes at least
    assert isinstance(found, Sample), found
    assert (found.requests, found.errors) == (pytest.approx(8, abs=6), pytest.approx(2, abs=2))
    assert found.errors < found.requests
    # Extrapolated by itself, of a histogram without a zero to end at: by 1.1 intervals on each side of one, at most.
    assert 6 <= sum(found.latency.values()) <= 8 * 3.2
