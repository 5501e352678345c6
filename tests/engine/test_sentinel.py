"""Hours after a promotion, by the fakes' clock: what turns bad goes back by itself, a restart forgets nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from headgate.engine.wheel import Wheel
from headgate.engine.world import World
from headgate.model import events as e
from headgate.model.commands import Deploy
from headgate.model.freezes import Freeze
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId, RolloutId, environment_stream
from headgate.model.measurements import Query, Sample
from headgate.model.monitors import MonitorRules, StableMeasured
from headgate.model.observations import Place
from headgate.model.releases import Revision
from headgate.model.rollouts import SignOff
from headgate.model.rules import Environment, Strategy
from headgate.model.services import Service
from headgate.store.codec import encode
from headgate.testing.fakes.clock import FakeClock
from headgate.testing.fakes.eventlog import MemoryEventLog
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.platform import FakePlatform
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.fakes.source import FakeSource

PRODUCTION = EnvironmentId("pcw/production")
STEP = timedelta(seconds=5)  # the wheel's beat where nothing is in flight
HOUR = timedelta(hours=1)
RATE = 500  # requests per second
SPREAD = {bucket: 1 + abs(9 - bucket % 19) for bucket in range(40, 80)}  # a histogram as wide as real ones
RULES = Environment(
    "production",
    platform="p",
    strategy=Strategy("canary", (20,)),
    keep_warm=timedelta(minutes=5),
    monitor=MonitorRules(4 * HOUR, 4 * HOUR, availability=0.9995),
)


class Around:
    """The application, of which nothing is special."""

    def rules(self, environment: EnvironmentId) -> Environment | None:
        return RULES

    def quarantined(self, environment: EnvironmentId) -> Mapping[ReleaseId, str]:
        return {}

    def passed(self, environment: EnvironmentId) -> Mapping[ReleaseId, datetime]:
        return {}

    def signed_off(self, environment: EnvironmentId) -> dict[str, Mapping[ReleaseId, SignOff]]:
        return {}

    def frozen(self) -> Freeze | None:
        return Freeze("ann", "the sale", RELEASED, None) if self.standstill else None

    def beside(self, environment: EnvironmentId) -> dict[str, Place]:
        return {}

    standstill = False


RELEASED = FakeClock().now()


def revision(label: str) -> Revision:
    services = (Service("web", ("web",), 8000, replicas=2),)
    return Revision(RevisionId(f"rev_{label}"), PRODUCTION, ReleaseId(f"rel_{label}"), label * 20, label, services)


class Stage:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.log = MemoryEventLog(self.clock)
        self.platform, self.router, self.metrics = FakePlatform(self.clock), FakeRouter(), FakeMetrics()
        self.around, self.failing = Around(), dict[str, float]()
        self.wheel = self.made()

    def made(self) -> Wheel:
        world = World({"p": self.platform}, {"envoy": self.router}, {"envoy": self.metrics}, FakeSource(), Path())
        return Wheel(PRODUCTION, world, self.log, self.clock, self.around)

    async def live(self, lasts: timedelta) -> None:
        ends = self.clock.now() + lasts
        while self.clock.now() < ends:
            self.users_ask()
            while await self.wheel.turn():
                pass

    def users_ask(self) -> None:
        now, routes = self.clock.advance(STEP), self.router.routes.get(PRODUCTION)
        requests = RATE * int(STEP.total_seconds())
        latency = {bucket: requests * part // sum(SPREAD.values()) for bucket, part in SPREAD.items()}
        for backend in routes.backends if routes else ():
            share = backend.weight / 100
            errors = round(requests * share * self.failing.get(backend.revision, 0.002))
            counted = {bucket: round(count * share) for bucket, count in latency.items()}
            sample = Sample(round(requests * share), errors, counted)
            self.metrics.feed(Query(PRODUCTION, "web"), backend.revision, now, sample)

    async def events(self) -> list[e.Event]:
        return [one.event for one in await self.log.read(environment_stream(PRODUCTION))]

    async def release(self, label: str) -> None:
        refused = await self.wheel.command(Deploy(revision(label), RolloutId(f"rol_{label}"), "bob"))
        assert refused is None
        await self.live(timedelta(minutes=10))
        assert self.wheel.state.stable == revision(label)


@pytest.fixture
async def monitored() -> Stage:
    """v2 was promoted some minutes ago, and was as good as v1 since."""
    stage = Stage()
    await stage.release("v1")
    await stage.release("v2")
    return stage


@pytest.mark.slow  # the whole engine does it in test_monitored_hours
async def test_what_turns_bad_an_hour_later_goes_back_by_itself(monitored: Stage) -> None:
    stage = monitored
    await stage.live(HOUR)
    stage.around.standstill = True  # a freeze stops no rollback
    stage.failing["rev_v2"] = 0.3
    await stage.live(timedelta(minutes=2))
    state = stage.wheel.state
    assert state.stable == revision("v1")
    assert stage.router.routes[PRODUCTION].weight(RevisionId("rev_v1")) == 100
    assert state.refused.keys() == {"rel_v2"}
    started = [one for one in await stage.events() if isinstance(one, e.RolloutStarted)][-1]
    assert "v2 web: 10.13 % of 37,500 requests failed in the last 75 s; v1 had 0.2 %" in started.why
    assert state.monitoring is None


@pytest.mark.slow  # the whole engine does it in test_monitored_hours
async def test_a_restart_in_the_middle_forgets_nothing(monitored: Stage) -> None:
    stage = monitored
    await stage.live(HOUR / 4)
    before = stage.wheel.state
    stage.wheel, stage.metrics = stage.made(), FakeMetrics(stage.metrics.fed)
    await stage.wheel.remember()
    assert stage.wheel.state == before
    assert before.monitoring is not None
    stage.failing["rev_v2"] = 0.3
    await stage.live(timedelta(minutes=2))
    assert stage.wheel.state.stable == revision("v1")


async def test_what_an_hour_of_it_costs_in_the_log(monitored: Stage) -> None:
    stage, before = monitored, len(await monitored.events())
    await stage.live(HOUR)
    news = (await stage.events())[before:]
    assert {type(one) for one in news} == {StableMeasured}
    assert len(news) == 60
    assert sum(len(encode(one)) for one in news) < 60 * 500  # bytes


async def test_that_nothing_can_be_seen_calls_and_blames_nobody(monitored: Stage) -> None:
    stage = monitored
    stage.metrics.blind = "the source is down"
    await stage.live(HOUR)
    assert stage.wheel.state.stable == revision("v2")
    assert stage.wheel.state.alarm is not None
    assert stage.wheel.state.alarm.kind == "no_data"
