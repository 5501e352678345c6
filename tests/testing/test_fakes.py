"""The fakes hold what every adapter must hold, as far as a fake can: nobody visits them over HTTP."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from math import ceil, log2
from pathlib import Path

import pytest

from headgate.model.ids import RevisionId
from headgate.model.infrastructure import Infrastructure
from headgate.model.measurements import BUCKETS_PER_DOUBLING, Query, Sample
from headgate.ports import AdapterError
from headgate.testing.contracts import baseline, metrics, provisioners, source, traffic, values
from headgate.testing.fakes.clock import EPOCH, FakeClock
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.provisioner import FakeProvisioner
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.fakes.source import FakeSource
from headgate.testing.fakes.values import FakeValues


class RouterStage:
    def __init__(self) -> None:
        self.router = FakeRouter()
        self._ports = count(40_000)

    async def instance(self, name: str, takes: timedelta = timedelta(0)) -> str:
        return f"127.0.0.1:{next(self._ports)}"

    async def ask(
        self, url: str, headers: Mapping[str, str] | None = None, cookies: Mapping[str, str] | None = None
    ) -> traffic.Answer:
        raise NotImplementedError

    async def restart(self) -> None:
        """The fake is itself the world that outlives the server."""

    def free_port(self) -> int:
        return next(self._ports)


class TestFakeRouter(traffic.TrafficRouterContract):
    @pytest.fixture
    def stage(self) -> RouterStage:
        return RouterStage()


HELD = {
    "test_addresses_are_kept",
    "test_no_two_addresses_are_the_same",
    "test_a_wanted_port_is_given",
    "test_a_port_cannot_be_given_twice",
    "test_what_was_set_is_read_back",
    "test_weights_that_are_no_whole_are_refused",
    "test_a_name_that_is_none_is_refused",
    "test_a_service_name_that_is_none_is_refused",
}
for name in dir(traffic.TrafficRouterContract):
    if name.startswith("test_") and name not in HELD:
        setattr(TestFakeRouter, name, None)


class TestFakeRouterBesideABaseline(baseline.BaselineContract):
    @pytest.fixture
    def stage(self) -> RouterStage:
        return RouterStage()


for name in dir(baseline.BaselineContract):
    if name.startswith("test_") and not name.endswith("is_read_back"):
        setattr(TestFakeRouterBesideABaseline, name, None)


def test_what_the_fake_router_holds_is_in_the_contract() -> None:
    assert set(dir(traffic.TrafficRouterContract)) >= HELD


@dataclass
class MetricsStage:
    clock: FakeClock = field(default_factory=FakeClock)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)

    def __post_init__(self) -> None:
        for service in ("web", "quotes"):
            for revision in (metrics.STABLE, metrics.CANDIDATE):
                self.metrics.feed(Query(metrics.PRODUCTION, service), revision, EPOCH, Sample())

    def now(self) -> datetime:
        return self.clock.now()

    async def visit(
        self, service: str, revision: RevisionId, count: int = 1, status: int = 200, takes: timedelta = timedelta(0)
    ) -> None:
        bucket = ceil(log2(max(takes.total_seconds() * 1000, 1)) * BUCKETS_PER_DOUBLING)
        for _ in range(count):
            at = self.clock.advance(timedelta(milliseconds=1))
            sample = Sample(1, int(status >= 500), {bucket: 1})
            self.metrics.feed(Query(metrics.PRODUCTION, service), revision, at, sample)
            await asyncio.sleep(0)

    async def preview(self, service: str, count: int) -> None:
        """Nobody feeds it."""

    async def die(self, service: str, revision: RevisionId) -> None:
        """What then happens to requests is fed as it is."""

    async def restart(self) -> None:
        self.metrics = FakeMetrics(self.metrics.fed)

    async def go_blind(self) -> None:
        self.metrics.blind = "the source is down"


class TestFakeMetrics(metrics.MetricSourceContract):
    @pytest.fixture
    def stage(self) -> MetricsStage:
        return MetricsStage()


class ValuesStage:
    settings: Mapping[str, str] = {}
    nothing = "sales of yesterday"

    def __init__(self) -> None:
        self.values = FakeValues()

    async def holds(self, number: float) -> str:
        self.values.worth["sales"] = number
        return "sales"

    async def go_blind(self) -> None:
        self.values.blind = "the source is down"


class TestFakeValues(values.ValueSourceContract):
    @pytest.fixture
    def stage(self) -> ValuesStage:
        return ValuesStage()


async def test_an_unreachable_router_says_so_in_every_verb() -> None:
    router = FakeRouter()
    router.unreachable = "the wire is cut"
    with pytest.raises(AdapterError, match="the wire is cut"):
        await router.observe(traffic.PRODUCTION)
    with pytest.raises(AdapterError, match="the wire is cut"):
        await router.addresses(traffic.PRODUCTION, {})


class SourceStage:
    def __init__(self) -> None:
        self.source, self.repository = FakeSource(), "/repositories/shop"

    async def commit(
        self, branch: str, files: dict[str, str], message: str = "Change", version: str | None = None
    ) -> str:
        return self.source.commit(self.repository, files, message, branch, version=version).sha


class TestSourceContract(source.SourceContract):
    @pytest.fixture
    def stage(self) -> SourceStage:  # type: ignore[override]
        return SourceStage()


class TestFakeSource:
    async def test_finds_by_branch_tag_and_commit_the_newest_first(self) -> None:
        source = FakeSource()
        first = source.commit("pcw", {"a": "1"}, version="v1")
        second = source.commit("pcw", {"a": "2"})
        found = [await source.resolve("pcw", name) for name in ("main", "v1", first.sha[:7], "HEAD")]
        assert found == [second, first, first, second]

    async def test_says_what_it_looked_for(self) -> None:
        with pytest.raises(AdapterError, match="'v9'"):
            await FakeSource().resolve("pcw", "v9")

    async def test_lays_out_exactly_that_commit_once(self, tmp_path: Path) -> None:
        source = FakeSource()
        made = source.commit("pcw", {"services/web/app.py": "1", "README": "x"})
        digests = await source.checkout("pcw", made.sha, tmp_path / "out", ["services/web"])
        again = await source.checkout("pcw", made.sha, tmp_path / "out", ["services/web"])
        assert (tmp_path / "out/services/web/app.py").read_text() == "1"
        assert digests == again
        assert digests.keys() == {"services/web"}

    async def test_equal_folders_have_equal_digests(self, tmp_path: Path) -> None:
        source = FakeSource()
        one = source.commit("pcw", {"web/app.py": "1", "README": "x"})
        other = source.commit("pcw", {"web/app.py": "1", "README": "y"})
        folders = ["web"]
        first = await source.checkout("pcw", one.sha, tmp_path / "1", folders)
        assert first == await source.checkout("pcw", other.sha, tmp_path / "2", folders)


class FakeSite:
    made_from = Infrastructure("fake", "/srv/infrastructure")
    nowhere = Infrastructure("fake", "")

    def __init__(self) -> None:
        self.provisioner = FakeProvisioner()

    def declare(self, sensitive: bool = False, **outputs: str) -> None:
        self.provisioner.wanted = outputs
        self.provisioner.sensitive |= set(outputs) if sensitive else set()


class TestFakeProvisioner(provisioners.ProvisionerContract):
    @pytest.fixture
    def site(self) -> FakeSite:
        return FakeSite()
