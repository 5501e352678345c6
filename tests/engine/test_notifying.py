"""Who is told in a whole engine on fakes: from the file to the notifier, across restarts, and the test message."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web import world as shops
from tests.web.world import FILE, PRESENT, Shop, applying, client

from headgate.engine import approving
from headgate.engine import courier as room
from headgate.engine.engine import Engine
from headgate.ports import AdapterError
from headgate.testing.fakes.notifier import FakeNotifier
from headgate.web.api import create

TOLD = """\
notifications:
  - webhook: {url: "https://hook.example.org/x"}
  - apprise: {url_from: NOTIFY_CHAT, on: waiting, to: ann}
"""
HERE = "    gates: [{approval: {from: [ann], count: 1}}]\n"
OWN = "    notifications: [{webhook: {url: 'https://guarded.example.org', on: [waiting, promoted]}}]\n"
RULES = FILE.replace(HERE, HERE + OWN) + TOLD


class Told:
    """A shop whose file tells a hook of everything, ann of what waits for her, and a hook of one environment."""

    def __init__(self, folder: Path) -> None:
        self.shop: Shop = shops.shop(folder)
        self.hook, self.chat = FakeNotifier(), FakeNotifier()
        notifiers = {"webhook": self.hook, "apprise": self.chat}
        self.shop.engine = self.started(replace(self.shop.engine.world, notifiers=notifiers))
        self.present = {**PRESENT, "notifiers": set(notifiers)}

    def started(self, world: Any = None) -> Engine:
        engine = self.shop.engine
        return Engine(world or engine.world, engine.log, engine.clock, engine.new_id)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                await asyncio.sleep(0.01)

    def ask(self) -> Any:
        return client(create(self.shop.engine, shops.TOKEN, self.present))


@pytest.fixture
async def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Told]:
    monkeypatch.setattr(room, "NEWS", room.NEWS / 25)
    made = Told(tmp_path)
    await made.shop.engine.start()
    yield made
    await made.shop.engine.stop()


async def post(ask: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await ask.post(f"/api/applications{path}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def applied(told: Told, ask: httpx.AsyncClient) -> None:
    """And everybody is followed, so that what happens now is news."""
    await post(ask, "", applying(RULES))
    couriers = told.shop.engine.notifying.couriers("shop")
    assert len(couriers) == 3
    await told.until(lambda: all(one.state.upto for one in couriers))
    told.shop.commit(version="v1", file=RULES)
    await post(ask, "/shop/releases", {"by": "bob"})


async def test_from_the_file_to_who_is_told(told: Told) -> None:
    async with told.ask() as ask:
        await applied(told, ask)
        await post(ask, "/shop/environments/guarded/deploy", {"release": "v1", "by": "bob"})
        await told.until(lambda: told.chat.told)
        (waits,) = told.chat.told
        assert waits.what == "v1 waits in guarded: 1 approval of ann"
        assert waits.people == ("ann",)
        await post(ask, "/shop/environments/guarded/approve", {"by": "ann"})
        await told.until(lambda: "promoted" in told.hook.kinds)
        await told.until(lambda: len([one for one in told.hook.told if one.environment == "guarded"]) == 6)
        mine = sorted(one.kind for one in told.hook.told if one.environment == "guarded")
        assert mine == ["promoted", "promoted", "requested", "started", "waiting", "waiting"]  # two hooks are told
        promoted = next(one for one in told.hook.told if one.kind == "promoted")
        assert promoted.first
        assert list(promoted.artifacts) == ["web"]


async def test_a_target_that_is_down_delays_no_rollout_and_is_shown(told: Told) -> None:
    told.hook.trouble = AdapterError("it cannot be reached (refused)")
    told.chat.hangs = asyncio.Event()
    async with told.ask() as ask:
        await applied(told, ask)
        await post(ask, "/shop/environments/guarded/deploy", {"release": "v1", "by": "bob"})
        await post(ask, "/shop/environments/guarded/approve", {"by": "ann"})
        await told.until(lambda: told.shop.engine.application("shop").wheel("guarded").state.stable)
        summary = (await ask.get("/api/applications/shop")).json()
        await told.until(lambda: any(one.state.failing for one in told.shop.engine.notifying.couriers("shop")))
        summary = (await ask.get("/api/applications/shop")).json()
        assert summary["not_told"][0]["failing"] == "it cannot be reached (refused)"
        targets = (await ask.get("/api/applications/shop/notifications")).json()["targets"]
        assert {one["where"] for one in targets} == {
            "https://hook.example.org/x", "https://guarded.example.org", "NOTIFY_CHAT",
        }  # fmt: skip
        assert [one["failing"] for one in targets if one["kind"] == "apprise"] == [""]  # it only hangs
        told.chat.hangs.set()


async def test_a_restart_tells_nothing_twice(told: Told) -> None:
    async with told.ask() as ask:
        await applied(told, ask)
        await post(ask, "/shop/environments/guarded/deploy", {"release": "v1", "by": "bob"})
        await told.until(lambda: told.chat.told and "waiting" in told.hook.kinds)
    await told.shop.engine.stop()
    before = len(told.chat.told)
    told.shop.engine = told.started()
    await told.shop.engine.start()
    await approving.approve(told.shop.engine, "shop", "guarded", "ann", "")
    await told.until(lambda: "promoted" in told.hook.kinds)
    assert len(told.chat.told) == before
    ids = [(one.id, one.environment) for one in told.hook.told if one.kind == "requested"]
    assert len(ids) == len(set(ids))


async def test_a_test_message(told: Told) -> None:
    async with told.ask() as ask:
        await applied(told, ask)
        told.chat.trouble = AdapterError("the variable NOTIFY_CHAT is not set where the Headgate server runs")
        answer = await post(ask, "/shop/notifications/test", {"by": "carol"})
        whys = {one["kind"]: one["why"] for one in answer["targets"]}
        assert whys == {"webhook": "", "apprise": str(told.chat.trouble)}
        assert "this is a test that carol asked for" in told.hook.told[-1].what
        one = (await post(ask, "/shop/notifications/test", {"by": "carol", "target": "webhook"}))["targets"]
        assert {target["kind"] for target in one} == {"webhook"}
        unknown = await ask.post("/api/applications/shop/notifications/test", json={"by": "carol", "target": "pager"})
        assert unknown.status_code == 404
        assert "webhook-" in unknown.json()["error"]["what"]


async def test_who_is_no_longer_named_is_told_nothing(told: Told) -> None:
    async with told.ask() as ask:
        await applied(told, ask)
        await post(ask, "", applying(FILE))
        assert told.shop.engine.notifying.couriers("shop") == []
        refused = await ask.post("/api/applications/shop/notifications/test", json={"by": "carol"})
        assert "tells nobody" in refused.json()["error"]["what"]


async def test_what_applying_changes_is_told(told: Told) -> None:
    async with told.ask() as ask:
        first = await post(ask, "", applying(RULES))
        assert first["notifications"][1] == "apprise NOTIFY_CHAT is told of waiting"
        other = RULES.replace("on: waiting", "on: aborted").replace("hook.example.org/x", "new.example.org/x?a=hidden")
        second = await post(ask, "", applying(other))
        assert second["notifications"][0] == "webhook https://hook.example.org/x is told nothing any more"
        assert second["notifications"][1].startswith("webhook https://new.example.org/x is told of waiting, rejected,")
        assert second["notifications"][2] == "apprise NOTIFY_CHAT is told of aborted"
