"""A configuration change is a release: asked for, judged, put back, and never brought back by itself."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from headgate.engine.application import Application
from headgate.engine.engine import Engine
from headgate.engine.views import summary
from headgate.engine.world import World
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import ReleaseId, RevisionId, application_stream
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Application as Rules
from headgate.model.secrets import SecretRules
from headgate.spec.compile import application as compiled
from headgate.spec.read import read
from headgate.testing.fakes.clock import FakeClock
from headgate.testing.fakes.eventlog import MemoryEventLog
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.platform import Behaviour, FakePlatform
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.fakes.secrets import FakeSecrets
from headgate.testing.fakes.source import FakeSource

SHOP = "/repositories/shop"
STORES = {"main": SecretRules("fake")}
FILE = """\
application: shop
services:
  web: {build: web, command: [serve], port: 8000}
environments:
  production:
    platform: process
    branches: [main]
    keep_warm: 0s
    deploy: DEPLOY
    env: {LOG_LEVEL: HOW_MUCH, PASSWORD: {secret: shop/db}}
"""
HALF_A_MINUTE = timedelta(seconds=31)


class Shop:
    def __init__(self, folder: Path) -> None:
        self.clock, self.source, self.secrets = FakeClock(), FakeSource(), FakeSecrets()
        self.log, self.platform, self.numbers = MemoryEventLog(self.clock), FakePlatform(self.clock), count(1)
        self.secrets.write("shop/db", "correct horse")
        self.world = World(
            {"process": self.platform},
            {"envoy": FakeRouter()},
            {"envoy": FakeMetrics()},
            self.source,
            folder,
            secrets={"fake": self.secrets},
        )
        self.engine = Engine(self.world, self.log, self.clock, lambda prefix: f"{prefix}_{next(self.numbers):012x}")

    async def apply(self, level: str = "info", deploy: str = "on-build") -> None:
        rules = configured(level, deploy)
        if "shop" not in self.engine.applications:
            application = Application("shop", self.world, self.log, self.clock, self.engine.new_id, self.engine.line)
            await application.remember()
            self.engine.applications["shop"] = application
        await self.shop.record([e.SpecificationApplied(rules, "ann")])
        self.shop.retry()

    @property
    def shop(self) -> Application:
        return self.engine.applications["shop"]

    @property
    def state(self) -> EnvironmentState:
        return self.shop.wheel("production").state

    @property
    def stable(self) -> Revision:
        assert self.state.stable is not None
        return self.state.stable

    async def release(self, web: str = "1") -> ReleaseId:
        text = FILE.replace("HOW_MUCH", "info").replace("DEPLOY", "on-build")
        commit = self.source.commit(SHOP, {"headgate.yaml": text, "web/app.py": web}, "Change", "main")
        made = await self.engine.release("shop", commit.sha, "ann")
        return made.id  # type: ignore[return-value]

    async def turn(self, times: int = 25) -> None:
        """As the engine does, without its pauses."""
        wheel = self.shop.wheel("production")
        for _ in range(times):
            if await wheel.turn() or self.shop.delayed or self.shop.configuring.due():
                await self.shop.advance()
            self.clock.advance(timedelta(seconds=1))

    async def next_revision(self) -> RevisionId:
        specification = self.shop.state.specification
        assert specification is not None
        return (await self.shop.composed(specification.environments[0], self.shop.releases[self.stable.release])).id

    async def requested(self) -> list[str]:
        recorded = await self.log.read("environment:shop/production")
        return [one.event.why for one in recorded if isinstance(one.event, e.ReleaseRequested)]

    def waits_for(self) -> list[str]:
        waits: list[str] = summary(self.shop, "production", self.clock.now())["waits_for"]
        return waits


def configured(level: str, deploy: str = "on-build") -> Rules:
    text = FILE.replace("HOW_MUCH", level).replace("DEPLOY", deploy)
    rules = compiled(read(text), SHOP, "headgate.yaml")
    return replace(rules, environments=tuple(replace(one, secrets=STORES) for one in rules.environments))


@pytest.fixture
async def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "releases")
    await made.apply()
    await made.release()
    await made.turn()
    assert made.stable.secret_versions == {"shop/db": "1"}
    assert made.stable.configuration.startswith("cfg_")
    return made


async def test_what_is_applied_is_asked_for_in_one_sentence(shop: Shop) -> None:
    before = shop.stable
    await shop.apply("debug")
    await shop.turn()
    assert (await shop.requested())[1:] == ["the configuration changed: LOG_LEVEL info -> debug"]
    assert shop.stable.service("web").env["LOG_LEVEL"].text == "debug"
    assert (shop.stable.release, shop.stable.id != before.id) == (before.release, True)
    await shop.turn(80)
    assert len(await shop.requested()) == 2


async def test_a_rotated_secret_is_rolled_out(shop: Shop) -> None:
    shop.secrets.write("shop/db", "battery staple")
    shop.clock.advance(HALF_A_MINUTE)
    await shop.turn()
    assert (await shop.requested())[1:] == ["the configuration changed: secret shop/db v1 -> v2"]
    assert shop.stable.secret_versions == {"shop/db": "2"}


async def test_what_failed_is_put_back_and_not_brought_back(shop: Shop) -> None:
    before = shop.stable
    await shop.apply("debug")
    shop.platform.behaviours[await shop.next_revision()] = Behaviour(ready_after=None)
    await shop.turn(200)
    assert shop.stable == before
    assert shop.state.past[-1].outcome == "aborted"
    assert shop.shop.state.quarantined == {}  # the release is as good as it was
    assert len(await shop.requested()) == 2
    assert "this configuration was put back here" in shop.waits_for()[-1]
    await shop.release("2")  # nor is it brought by the next release, which would take the blame
    await shop.turn()
    assert shop.stable == before
    assert shop.shop.state.quarantined == {}
    await shop.apply("warning")
    await shop.turn()
    assert shop.stable.service("web").env["LOG_LEVEL"].text == "warning"
    assert shop.waits_for() == []


async def test_a_rollback_is_not_undone(shop: Shop) -> None:
    before = shop.stable
    await shop.apply("debug")
    await shop.turn()
    await shop.shop.wheel("production").command(c.Rollback(shop.engine.rollout_id(), "ann"))
    await shop.turn(100)
    assert shop.stable == before  # the recorded snapshot, not one composed anew
    assert len(await shop.requested()) == 3
    assert "this configuration was put back here" in shop.waits_for()[-1]
    assert shop.shop.state.quarantined == {}


async def test_a_rollback_of_a_release_keeps_its_configuration_too(shop: Shop) -> None:
    before = shop.stable
    await shop.release("2")
    await shop.turn()
    await shop.shop.wheel("production").command(c.Rollback(shop.engine.rollout_id(), "ann"))
    await shop.turn()
    assert shop.stable == before
    await shop.apply("debug")
    await shop.turn(100)
    assert shop.stable == before
    assert "a rollback went back to the one that runs" in shop.waits_for()[-1]


@pytest.mark.parametrize("why", ["pinned", "on-request"])
async def test_what_comes_by_itself_nowhere_waits_and_says_so(shop: Shop, why: str) -> None:
    if why == "pinned":
        await shop.shop.wheel("production").command(c.Pin("ann"))
    await shop.apply("debug", "on-request" if why == "on-request" else "on-build")
    await shop.turn(60)
    assert len(await shop.requested()) == 1
    said = "ann pinned" if why == "pinned" else "nothing comes by itself here"
    assert said in shop.waits_for()[-1]
    assert "another configuration is applied (LOG_LEVEL info -> debug)" in shop.waits_for()[-1]


async def test_a_store_that_is_down_changes_nothing_and_is_told(shop: Shop) -> None:
    before = shop.stable
    shop.secrets.broken = "connection refused"
    await shop.apply("debug")
    await shop.turn(100)
    assert shop.stable == before
    assert "production.env (headgate.yaml:10) cannot be read: connection refused" in shop.waits_for()[-1]
    shop.secrets.broken = ""
    await shop.turn(60)
    assert shop.stable.service("web").env["LOG_LEVEL"].text == "debug"
    assert shop.waits_for() == []


async def test_rotated_while_a_release_is_on_trial(shop: Shop) -> None:
    """The candidate goes on with the version it began with; the rotation is asked for afterwards."""
    shop.platform.behaviours.clear()
    second = await shop.release("2")
    shop.secrets.write("shop/db", "battery staple")
    rollout = shop.state.rollout
    assert rollout is not None
    assert rollout.revision.secret_versions == {"shop/db": "1"}
    await shop.turn(60)
    assert (shop.stable.release, shop.stable.secret_versions) == (second, {"shop/db": "2"})
    assert [why for why in await shop.requested() if "configuration" in why] == [
        "the configuration changed: secret shop/db v1 -> v2"
    ]


async def test_no_value_is_in_any_event(shop: Shop) -> None:
    shop.secrets.write("shop/db", "battery staple")
    await shop.apply("debug")
    await shop.turn()
    streams = ["environment:shop/production", application_stream("shop")]
    recorded = [one for stream in streams for one in await shop.log.read(stream)]
    assert "battery staple" not in repr(recorded)
    assert "correct horse" not in repr(recorded)
