"""Leading, by a lease that answers late, never, or to two at once: at most one server acts at any moment."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.decide import leading as rules
from headgate.engine.act import attempt
from headgate.engine.leading import Leading, Led
from headgate.engine.world import World
from headgate.model.effects import Run
from headgate.model.events import RolloutPaused
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId, RolloutId
from headgate.model.leases import Lease
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Environment
from headgate.model.services import Service
from headgate.ports import AdapterError, LogUnavailable
from headgate.testing.contracts.leases import LeasesContract
from headgate.testing.fakes.clock import FakeClock
from headgate.testing.fakes.eventlog import MemoryEventLog
from headgate.testing.fakes.leases import FakeLeases
from headgate.testing.fakes.platform import FakePlatform
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.fakes.source import FakeSource

S = timedelta(seconds=1)
QA = EnvironmentId("pcw/qa")
PAUSED = RolloutPaused(RolloutId("rol_1"), "ana", "looking")


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, pause: timedelta) -> None:
        self.now += pause.total_seconds()
        await asyncio.sleep(0)


class Servers:
    """Two of them, turned by hand."""

    def __init__(self) -> None:
        self.time, self.leases = Time(), FakeLeases()
        self.both = [Leading(self.leases, name, lambda: self.time.now, self.time.sleep) for name in ("one", "two")]
        self.led: set[Leading] = set()

    async def step(self, which: int, after: float, fault: str) -> None:
        """What its loop does next, however late it comes to it."""
        self.time.now += after
        self.check()
        server = self.both[which]
        self.leases.away, self.leases.mute = fault == "away", fault == "mute"
        if server in self.led:
            await self._kept(server)
        elif await server._claimed():
            self.led.add(server)
        self.leases.away = self.leases.mute = False
        self.check()

    async def _kept(self, server: Leading) -> None:
        try:
            if await server._renewed():
                self.led.discard(server)
                server._asked_at = None
        except AdapterError:  # as `keep` does
            return

    def check(self) -> None:
        assert sum(server.holds() for server in self.both) <= 1, "two servers act at once"


STEPS = st.lists(
    st.tuples(st.integers(0, 1), st.floats(0, 20), st.sampled_from(["", "", "", "away", "mute"])), max_size=40
)


@given(STEPS)
def test_two_never_act_at_once(steps: list[tuple[int, float, str]]) -> None:
    async def run() -> None:
        servers = Servers()
        for which, after, fault in steps:
            await servers.step(which, after, fault)

    asyncio.run(run())


def test_that_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that trusts its lease for longer than others wait."""
    monkeypatch.setattr(rules, "TRUSTED", 20 * S)

    async def run() -> None:
        servers = Servers()
        await servers.step(0, 0, "")
        for after in (1, 8, 8):
            await servers.step(1, after, "")

    with pytest.raises(AssertionError, match="two servers act at once"):
        asyncio.run(run())


async def test_the_first_leads_and_the_second_says_for_whom_it_waits() -> None:
    servers = Servers()
    await servers.both[0].win()
    assert servers.both[0].holds()
    assert not await servers.both[1]._claimed()
    assert servers.both[1].why.startswith("one leads; its lease was renewed within the last 1 s of 15 s")
    assert not servers.both[1].holds()


async def test_who_ended_in_order_is_followed_at_once() -> None:
    servers = Servers()
    await servers.both[0].win()
    await servers.both[0].give_back()
    assert not servers.both[0].holds()
    assert await servers.both[1]._claimed()
    assert servers.time.now == 0


async def test_who_was_killed_is_followed_when_its_lease_ran_out() -> None:
    servers = Servers()
    await servers.both[0].win()
    await servers.both[1].win()
    assert 15 < servers.time.now <= 19
    assert servers.leases.lease
    assert servers.leases.lease.turns == 1


async def test_another_holder_ends_it() -> None:
    servers = Servers()
    await servers.both[0].win()
    servers.leases.lease = Lease("two", 15 * S, 1, "99")
    assert await servers.both[0].keep() == "two has the lease now"
    assert not servers.both[0].holds()


async def test_a_minute_without_an_answer_suspends_and_does_not_end_it() -> None:
    """Nobody could take the lease while the API server was away: whose it was goes on, and nothing restarts."""
    servers = Servers()
    one = servers.both[0]
    await one.win()
    keeping = asyncio.create_task(one.keep())
    servers.leases.away = True
    while servers.time.now < 60:
        await asyncio.sleep(0)
        assert one.holds() == (servers.time.now < 10)
    servers.leases.away = False
    for _ in range(6):
        await asyncio.sleep(0)
    assert one.holds()
    assert not keeping.done()
    keeping.cancel()


async def test_an_answer_that_was_lost_costs_nothing() -> None:
    servers = Servers()
    one = servers.both[0]
    await one.win()
    servers.led.add(one)
    await servers.step(0, 3, "mute")
    await servers.step(0, 3, "")
    await servers.step(0, 3, "")
    assert one.holds()


async def test_a_label_on_the_object_is_no_loss() -> None:
    servers = Servers()
    one = servers.both[0]
    await one.win()
    servers.leases.relabel()
    assert await one._renewed() is None
    assert await one._renewed() is None
    assert one.holds()


async def test_a_deleted_lease_ends_it() -> None:
    servers = Servers()
    await servers.both[0].win()
    servers.leases.lease = None
    assert "deleted it" in await servers.both[0].keep()


async def test_nothing_is_recorded_by_who_is_not_sure_to_lead() -> None:
    log, sure = MemoryEventLog(FakeClock()), [True]
    led = Led(log, lambda: sure[0])
    await led.append("environment:pcw/qa", [PAUSED], 0)
    sure[0] = False
    with pytest.raises(LogUnavailable, match="may lead no more"):
        await led.append("environment:pcw/qa", [PAUSED], 1)
    assert len(await led.read("environment:pcw/qa")) == 1


class TestTheFake(LeasesContract):
    @pytest.fixture
    def leases(self) -> FakeLeases:
        return FakeLeases()


async def test_nothing_is_done_by_who_is_not_sure_to_lead(tmp_path: Path) -> None:
    sure, platform = [False], FakePlatform(FakeClock())
    world = World({"fake": platform}, {"fake": FakeRouter()}, {}, FakeSource(), tmp_path, leads=lambda: sure[0])
    rules, state = Environment("qa", "fake", traffic="fake"), EnvironmentState(QA)
    revision = Revision(RevisionId("rev_1"), QA, ReleaseId("rel_1"), "c" * 40, "1", (Service("web", ("run",), 8000),))
    assert await attempt(Run(revision), world, rules, state) is None
    assert not await platform.observe(QA)
    sure[0] = True
    assert await attempt(Run(revision), world, rules, state) is None
    assert len(await platform.observe(QA)) == 1
