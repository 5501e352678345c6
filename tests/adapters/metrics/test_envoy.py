"""Envoy's counters are held to the seam, and to what was sent."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.adapters.traffic.envoy.stage import EnvoyStage, staged

from headgate.adapters.envoy_admin import admin_socket, owner
from headgate.adapters.metrics.envoy import Counted, EnvoyMetrics, Snapshot, difference, latency
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.measurements import NoData, Sample, Window, edge
from headgate.model.routes import Address, Backend, Routes
from headgate.testing.contracts.metrics import CANDIDATE, PRODUCTION, STABLE, WEB, MetricSourceContract, counted, start

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLUSTER = "pcw/production/web/rev_1/live"


class EnvoyMetricsStage:
    def __init__(self, traffic: EnvoyStage, at: dict[str, Address], ends: dict[RevisionId, dict[str, str]]) -> None:
        self.traffic = traffic
        self.metrics = EnvoyMetrics(traffic.settings)
        self._at = at
        self._ends = ends

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def visit(
        self, service: str, revision: RevisionId, count: int = 1, status: int = 200, takes: timedelta = timedelta(0)
    ) -> None:
        url = f"{self._at[service].mesh}/?status={status}&takes={takes.total_seconds()}"
        await self._ask(url, count, status, {"x-headgate-revision": revision})

    async def preview(self, service: str, count: int) -> None:
        await self._ask(self._at[service].preview, count, 200, {})

    async def _ask(self, url: str, count: int, status: int, headers: dict[str, str]) -> None:
        gate = asyncio.Semaphore(10)

        async def once() -> None:
            async with gate, self.traffic.client.get(url, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                assert answer.status == status

        await asyncio.gather(*(once() for _ in range(count)))

    async def die(self, service: str, revision: RevisionId) -> None:
        await self.traffic.instances.pop(self._ends[revision][service]).cleanup()

    async def restart(self) -> None:
        await self.metrics.close()
        self.metrics = EnvoyMetrics(self.traffic.settings)

    async def go_blind(self) -> None:
        await self.traffic.router.close(stop=True)


@asynccontextmanager
async def metered(folder: Path) -> AsyncIterator[EnvoyMetricsStage]:
    services = ("web", "quotes")
    async with staged(folder) as traffic:
        ends = {
            rev: {name: await traffic.instance(f"{name}-{rev}") for name in services} for rev in (STABLE, CANDIDATE)
        }
        backends = tuple(
            Backend(rev, 50, {name: (at,) for name, at in ends[rev].items()}) for rev in (CANDIDATE, STABLE)
        )
        await traffic.router.set_routes(Routes(EnvironmentId(PRODUCTION), backends, CANDIDATE))
        at = await traffic.router.addresses(EnvironmentId(PRODUCTION), dict.fromkeys(services))
        made = EnvoyMetricsStage(traffic, at, ends)
        yield made
        await made.metrics.close()


@pytest.mark.real("envoy")
class TestEnvoyMetrics(MetricSourceContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[EnvoyMetricsStage]:
        async with metered(tmp_path) as made:
            yield made

    async def test_envoy_started_anew_is_no_data_and_says_so(self, stage: EnvoyMetricsStage) -> None:
        await stage.visit("web", STABLE, 20)
        since = await start(stage)
        pid = owner(admin_socket(stage.traffic.settings.folder))
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await stage.traffic.router.observe(EnvironmentId(PRODUCTION))
        await stage.visit("web", STABLE, 30)
        found = await stage.metrics.read(WEB, STABLE, Window(since, stage.now()))
        assert isinstance(found, NoData)
        assert "restarted" in found.reason
        since = await start(stage)
        await stage.visit("web", STABLE, 6)
        assert (await counted(stage, since)).requests == 6

    async def test_retries_are_not_counted_twice(self, stage: EnvoyMetricsStage) -> None:
        dead = f"127.0.0.1:{stage.traffic.free_port()}"
        alive = await stage.traffic.instance("alive")
        ends = {"web": tuple(sorted((dead, alive)))}
        await stage.traffic.router.set_routes(Routes(EnvironmentId(PRODUCTION), (Backend(STABLE, 100, ends),)))
        since = await start(stage)
        await stage.visit("web", STABLE, 40)
        found = await counted(stage, since)
        assert (found.requests, found.errors, sum(found.latency.values())) == (40, 0, 40)

    async def test_no_instance_at_all_is_an_error(self, stage: EnvoyMetricsStage) -> None:
        none = Routes(EnvironmentId(PRODUCTION), (Backend(STABLE, 100, {"web": ()}),))
        await stage.traffic.router.set_routes(none)
        since = await start(stage)
        await stage.visit("web", STABLE, 4, status=503)
        found = await counted(stage, since)
        assert (found.requests, found.errors) == (4, 4)

    async def test_silence_is_an_error_once(self, stage: EnvoyMetricsStage) -> None:
        since = await start(stage)
        url = f"{stage._at['web'].mesh}/?takes=20"
        async with stage.traffic.client.post(url, headers={"x-headgate-revision": STABLE}) as answer:
            assert answer.status == 504
        found = await counted(stage, since)
        assert (found.requests, found.errors) == (1, 1)


class TestDifference:
    def snapshot(self, seconds: float, process: int, requests: int, errors: int = 0) -> Snapshot:
        return Snapshot(NOON + timedelta(seconds=seconds), process, {CLUSTER: Counted(requests, errors, {8: requests})})

    def test_of_two_snapshots(self) -> None:
        found = difference(CLUSTER, self.snapshot(0, 10, 5, 1), self.snapshot(2, 10, 9, 2))
        assert found == Sample(4, 1, {8: 4})

    def test_a_cluster_made_within_the_window_began_at_zero(self) -> None:
        assert difference(CLUSTER, Snapshot(NOON, 10, {}), self.snapshot(2, 10, 9)) == Sample(9, 0, {8: 9})

    def test_a_restart_is_seen_even_if_the_counters_are_higher_by_now(self) -> None:
        assert isinstance(difference(CLUSTER, self.snapshot(0, 10, 5), self.snapshot(2, 11, 9)), NoData)

    def test_counters_that_go_back_are_no_data(self) -> None:
        assert isinstance(difference(CLUSTER, self.snapshot(0, 10, 5), self.snapshot(2, 10, 4)), NoData)


@pytest.mark.parametrize(
    ("bucket", "low", "high"),
    [
        ({"lower_bound": 0, "width": 0, "count": 3}, 0, 1),
        ({"lower_bound": 1, "width": 0.1, "count": 3}, 1.5, 2),
        ({"lower_bound": 10, "width": 1, "count": 3}, 10, 11.5),
        ({"lower_bound": 99, "width": 1, "count": 3}, 99, 109),
        ({"lower_bound": 1500, "width": 100, "count": 3}, 1550, 1700),
    ],
)
def test_envoys_buckets_become_the_models(bucket: dict[str, float], low: float, high: float) -> None:
    ((index, count),) = latency([bucket]).items()
    assert count == 3
    assert low <= edge(index) <= high
