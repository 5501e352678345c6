"""A courier tells its target in order, at least once, whatever befalls the target, the log or the server."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from headgate.engine import courier as room
from headgate.engine.courier import Courier
from headgate.model import notices as n
from headgate.model.events import Event, Recorded, RolloutResumed
from headgate.model.freezes import RolloutsFrozen
from headgate.model.ids import RolloutId
from headgate.ports import AdapterError, Gone, LogUnavailable, TryLater, Unusable
from headgate.testing.contracts.notifiers import notice
from headgate.testing.fakes.clock import FakeClock
from headgate.testing.fakes.eventlog import MemoryEventLog
from headgate.testing.fakes.notifier import FakeNotifier

TARGET = n.Target("fake", {"url": "https://there.example.org"})
DOWN = AdapterError("it cannot be reached (refused)")


class Lossy(MemoryEventLog):
    """An append may be lost after the fact was made: the server was killed between the two."""

    lost = False
    most_read = 0  # events of the tail, at once

    async def tail(self, after: int = 0, most: int | None = None) -> list[Recorded]:
        found = await super().tail(after, most)
        self.most_read = max(self.most_read, len(found))
        return found

    async def append(self, stream: str, events: Sequence[Event], after: int) -> list[Recorded]:
        if self.lost and stream.startswith("target:"):
            raise LogUnavailable("killed")
        return await super().append(stream, events, after)


class Place:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.log, self.notifier = Lossy(self.clock), FakeNotifier()
        self.settled: set[str] = set()
        self.courier = self.started()

    def started(self, target: n.Target = TARGET) -> Courier:
        """As after a start of the server."""
        self.courier = Courier("shop", target, self.notifier, self.log, self.clock, lambda: 1.0, self.notices_of)
        return self.courier

    async def notices_of(self, one: Recorded) -> Sequence[n.Notice]:
        """A freeze is a notice, whose kind is its reason: the rest is none."""
        if not isinstance(one.event, RolloutsFrozen) or one.event.by in self.settled:
            return ()
        ident, waits = f"ntc_{one.event.by}", one.event.why == "waiting"
        return [notice(one.event.why, id=ident, at=one.at, standing=waits, rollout="rol_1", people=())]  # type: ignore[arg-type]

    async def happens(self, *names: str, kind: str = "started") -> None:
        stream = "environment:shop/production"
        version = len(await self.log.read(stream))
        await self.log.append(stream, [RolloutsFrozen(name, kind) for name in names], version)

    async def turn(self) -> timedelta:
        return await self.courier.turn()

    @property
    def told(self) -> list[str]:
        return [one.id.removeprefix("ntc_") for one in self.notifier.told]

    def later(self, **more: float) -> None:
        self.clock.advance(timedelta(**more))


@pytest.fixture
async def place() -> Place:
    made = Place()
    await made.happens("before")
    await made.turn()
    return made


async def test_what_happened_before_it_was_named_is_history(place: Place) -> None:
    assert place.told == []
    await place.happens("a", "b")
    await place.turn()
    await place.turn()
    assert place.told == ["a", "b"]


async def test_a_restart_goes_on_where_it_was(place: Place) -> None:
    await place.happens("a")
    await place.turn()
    await place.happens("b")
    place.started()
    await place.turn()
    assert place.told == ["a", "b"]
    assert place.notifier.remembered == ["", "there-rol_1"]  # what the target called it


async def test_killed_between_telling_and_noting_it_tells_again_under_the_same_id(place: Place) -> None:
    await place.happens("a")
    place.log.lost = True
    assert await place.turn() == room.AWAY
    place.log.lost = False
    place.started()
    await place.turn()
    await place.turn()
    assert place.told == ["a", "a"]
    assert len({one.id for one in place.notifier.told}) == 1


async def test_one_that_is_down_for_a_while_is_told_in_order_afterwards(place: Place) -> None:
    place.notifier.trouble = DOWN
    await place.happens("a", "b")
    waits = []
    for _ in range(6):
        waits.append((await place.turn()).total_seconds())
        place.clock.advance(timedelta(seconds=waits[-1]))
    assert waits == [1, 2, 4, 8, 16, 32]
    assert place.courier.state.failing == "it cannot be reached (refused)"
    assert len(await place.log.read("target:shop/" + TARGET.id)) == 2  # that it fails is on record once
    place.notifier.trouble = None
    place.later(minutes=1)
    await place.turn()
    assert place.told == ["a", "b"]
    assert place.courier.state.failing == ""


async def test_it_waits_as_long_as_it_is_asked_to(place: Place) -> None:
    place.notifier.trouble = TryLater("HTTP 429", timedelta(seconds=77))
    await place.happens("a")
    assert (await place.turn()).total_seconds() == 77
    place.notifier.trouble = None
    place.later(seconds=70)
    assert (await place.turn()).total_seconds() == 7
    assert place.told == []
    place.later(seconds=8)
    await place.turn()
    assert place.told == ["a"]


async def test_news_that_has_become_old_is_left_out_and_counted(place: Place) -> None:
    place.notifier.trouble = DOWN
    await place.happens("a", "b")
    await place.turn()
    place.later(minutes=61)
    await place.happens("c")
    place.notifier.trouble = None
    await place.turn()
    assert place.told == ["c"]
    assert place.notifier.told[0].left_out == 2
    await place.happens("d")
    await place.turn()
    assert place.notifier.told[1].left_out == 0
    assert place.courier.state.left_out == 2


async def test_a_server_that_was_down_tells_no_old_news(place: Place) -> None:
    await place.happens("a")
    place.later(hours=5)
    place.started()
    await place.turn()
    assert place.told == []
    assert place.courier.state.left_out == 1
    place.started()
    await place.turn()
    assert place.courier.state.left_out == 1  # and counts it once


async def test_what_still_waits_is_told_however_old_and_no_longer_when_it_does_not(place: Place) -> None:
    await place.happens("a", "b", kind="waiting")
    place.settled = {"b"}
    place.later(days=3)
    await place.turn()
    assert place.told == ["a"]


async def test_what_it_will_never_take_is_given_up_and_does_not_hold_up_the_rest(place: Place) -> None:
    place.notifier.trouble = Unusable("it answered HTTP 422")
    await place.happens("a")
    await place.turn()
    place.notifier.trouble = None
    await place.happens("b")
    await place.turn()
    assert place.told == ["b"]
    assert place.courier.state.given_up == 1


async def test_one_that_is_gone_is_left_alone_until_a_test_reaches_it(place: Place) -> None:
    place.notifier.trouble = Gone("it answered HTTP 410")
    await place.happens("a")
    await place.turn()
    place.notifier.trouble = None
    for _ in range(3):
        place.later(minutes=10)
        await place.turn()
    place.started()
    await place.turn()
    assert place.told == []
    assert place.courier.state.gone
    await place.courier.test(notice("test", id="ntc_test"))
    await place.turn()
    assert place.told == ["test", "a"]


async def test_one_that_hangs_is_given_a_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LIMIT", timedelta(seconds=0.02))
    place.notifier.hangs = asyncio.Event()
    await place.happens("a")
    await place.turn()
    assert place.courier.state.failing == "no answer within 0.02 s"


async def test_a_defect_of_an_adapter_is_said_without_what_it_holds(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.notifier.trouble = ValueError("https://hooks.example.org/canary-7f3a9c1e")
    await place.happens("a")
    await place.turn()
    assert "canary-7f3a9c1e" not in place.courier.state.failing
    assert "a defect of the adapter" in place.courier.state.failing
    assert "ValueError at" in caplog.text
    assert "canary-7f3a9c1e" not in caplog.text


async def test_another_reason_is_on_record_but_not_each_second(place: Place) -> None:
    for number in range(20):
        place.notifier.trouble = AdapterError(f"port {number}")
        if number == 0:
            await place.happens("a")
        place.courier.due = None
        await place.turn()
        place.later(seconds=2)
    assert len(await place.log.read("target:shop/" + TARGET.id)) == 2
    for _ in range(3):  # the same reason as before is no news
        place.later(minutes=1)
        place.courier.due = None
        await place.turn()
    assert len(await place.log.read("target:shop/" + TARGET.id)) == 3


@pytest.mark.parametrize(
    ("changes", "more", "wanted"),
    [
        ({}, {}, True),
        ({"on": ("aborted",)}, {}, False),
        ({"environment": "production"}, {}, True),
        ({"environment": "qa"}, {}, False),
        ({"environment": "qa"}, {"environment": "", "kind": "frozen"}, True),
        ({"environment": "qa"}, {"environment": "", "kind": "build-failed"}, False),
        ({"to": "alice"}, {"people": ("alice", "bob")}, True),
        ({"to": "carol"}, {"people": ("alice", "bob")}, False),
        ({"to": "carol"}, {"people": ()}, True),
    ],
)
def test_who_wants_what(place: Place, changes: dict[str, Any], more: dict[str, Any], wanted: bool) -> None:
    courier = place.started(replace(TARGET, **changes))
    assert courier._wants(replace(notice("started", people=()), **more)) is wanted  # type: ignore[misc]


async def test_with_nothing_to_tell_it_does_not_read_the_whole_log_again(place: Place) -> None:
    stream = "environment:shop/production"
    events = [RolloutResumed(RolloutId("rol_1"), "bob", "")] * room.FAR
    await place.log.append(stream, events, len(await place.log.read(stream)))
    await place.turn()
    assert isinstance((await place.log.tail())[-1].event, n.TargetCaughtUp)


async def test_behind_by_weeks_it_reads_page_by_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PAGE", 2)
    place.notifier.trouble = DOWN
    await place.happens(*"abcde")
    place.log.most_read = 0
    await place.turn()
    assert place.log.most_read == 2, "and no further than to what it could not be told"
    assert len(await place.courier.pending(5)) == 5
    place.notifier.trouble, place.courier.due = None, None
    await place.turn()
    assert place.told == [*"abcde"]
    assert place.log.most_read == 2
