"""Webhook gates are asked beside the wheel, at a slow beat, and for the very start that waits."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.decide.given import CANARY, NOW, V2, V3, request, seconds, state

from headgate.engine import asking as room
from headgate.engine.asking import Asking
from headgate.model.ids import RolloutId
from headgate.model.rules import WebhookGate
from headgate.testing.fakes.gatekeeper import FakeGatekeeper

GATE = WebhookGate("https://gate.example.org/shop", seconds(10), every=seconds(30))
RULES = replace(CANARY, gates=(GATE,))
WAITING = state(waiting=request(V2))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "GRACE", timedelta(seconds=0.01))


async def test_it_is_asked_at_a_slow_beat() -> None:
    keeper = FakeGatekeeper()
    asking = Asking(keeper)
    for after, asked in ((0, 1), (1, 1), (29, 1), (30, 2), (31, 2), (60, 3)):
        (answer,) = (await asking.take(WAITING, RULES, NOW + seconds(after))).values()
        assert len(keeper.asked) == asked
        assert answer.at == NOW + seconds(after // 30 * 30)
    assert keeper.asked[0]["commit"] == V2.commit
    assert keeper.asked[0]["environment"] == "production"


async def test_one_that_hangs_delays_nobody_and_is_asked_once() -> None:
    keeper = FakeGatekeeper()
    keeper.open, keeper.hangs = True, asyncio.Event()
    asking = Asking(keeper)
    for after in (0, 1, 100):
        assert await asking.take(WAITING, RULES, NOW + seconds(after)) == {}
    keeper.hangs.set()
    await asyncio.sleep(0)
    (answer,) = (await asking.take(WAITING, RULES, NOW + seconds(10))).values()
    assert answer.open
    assert answer.at == NOW  # it is as old as its question
    assert len(keeper.asked) == 1


async def test_a_yes_is_for_one_start_alone() -> None:
    keeper = FakeGatekeeper()
    keeper.open = True
    asking = Asking(keeper)
    assert (await asking.take(WAITING, RULES, NOW))[GATE, RolloutId("rol_9")].open
    other = state(waiting=replace(request(V3), rollout=RolloutId("rol_10")))
    keeper.open, keeper.hangs = False, asyncio.Event()
    assert await asking.take(other, RULES, NOW) == {}
    assert await asking.take(state(), RULES, NOW) == {}
    assert await asking.take(state(waiting=request(V2, kind="rollback")), RULES, NOW) == {}
    assert len(keeper.asked) == 2


async def test_a_gate_that_the_rules_no_longer_have_is_forgotten() -> None:
    keeper = FakeGatekeeper()
    asking = Asking(keeper)
    await asking.take(WAITING, RULES, NOW)
    stricter = replace(GATE, secret_from="GATE_KEY")
    assert set(await asking.take(WAITING, replace(RULES, gates=(stricter,)), NOW)) == {(stricter, RolloutId("rol_9"))}
    assert len(keeper.asked) == 2


class Broken:
    async def ask(self, *_: Any) -> Any:
        raise KeyError("oops")


async def test_a_defect_is_unknown_and_named() -> None:
    (answer,) = (await Asking(Broken()).take(WAITING, RULES, NOW)).values()
    assert answer.open is None
    assert "KeyError" in answer.why


async def test_what_is_closed_leaves_nothing_behind() -> None:
    keeper = FakeGatekeeper()
    keeper.hangs = asyncio.Event()
    asking = Asking(keeper)
    await asking.take(WAITING, RULES, NOW)
    asking.close()
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("gate ")]
