"""What goes on by itself, beside the wheels."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.test_configuring import Shop

from headgate.engine.advancing import Advancing
from headgate.ports import LogUnavailable

A_MOMENT = timedelta(milliseconds=1)


class Following:
    """Waits as long as its gate is closed."""

    def __init__(self) -> None:
        self.gate, self.begun, self.done = asyncio.Event(), 0, 0
        self.wrong: Exception | None = None

    async def __call__(self) -> None:
        self.begun += 1
        await self.gate.wait()
        if self.wrong:
            raise self.wrong
        self.done += 1


@pytest.fixture
def following(monkeypatch: pytest.MonkeyPatch) -> Following:
    monkeypatch.setattr("headgate.engine.advancing.GRACE", A_MOMENT)
    return Following()


async def test_what_hangs_holds_nobody_up_and_news_meanwhile_are_followed_too(following: Following) -> None:
    advancing = Advancing(following)
    async with asyncio.timeout(1):
        for _ in range(3):
            await advancing.follow()
    assert (following.begun, following.done) == (1, 0), "one at a time"
    following.gate.set()
    await asyncio.sleep(0.01)
    assert following.done == 2, "once more, for all that happened while it hung"
    await advancing.follow()
    assert following.done == 3


async def test_what_goes_wrong_is_told_and_tried_with_the_next_news(following: Following) -> None:
    advancing = Advancing(following)
    following.gate.set()
    following.wrong = ValueError("a defect")
    for _ in range(2):
        with pytest.raises(ValueError, match="a defect"):
            await advancing.follow()
    following.wrong = None
    await advancing.follow()
    assert (following.begun, following.done) == (3, 1)


async def test_what_goes_wrong_when_nobody_waits_any_more_is_not_forgotten(following: Following) -> None:
    advancing = Advancing(following)
    following.wrong = ValueError("a defect")
    await advancing.follow()
    assert not advancing.is_behind
    following.gate.set()
    await asyncio.sleep(0.01)
    assert advancing.is_behind
    following.wrong = None
    await advancing.follow()
    assert (following.done, advancing.is_behind) == (1, False)


async def test_an_environment_in_which_nothing_happens_any_more_tries_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, tries = Shop(tmp_path / "releases"), list[str]()
    await shop.apply()
    await shop.release()
    await shop.turn()

    async def advance() -> list[str]:
        tries.append("once more" if tries else "first")
        if len(tries) == 1:
            raise LogUnavailable("its disk is full")
        return []

    monkeypatch.setattr(shop.shop, "advance", advance)
    with pytest.raises(LogUnavailable):
        await shop.engine._follow(shop.shop)
    for _ in range(3):
        await shop.engine._turn(shop.shop, shop.shop.wheel("production"))
    assert tries == ["first", "once more"]


async def test_it_ends_with_the_engine(following: Following) -> None:
    advancing = Advancing(following)
    await advancing.follow()
    advancing.close()
    await asyncio.sleep(0.01)
    following.gate.set()
    await asyncio.sleep(0.01)
    assert following.done == 0
