"""A shop with its engine running, and someone who may ask."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.web.world import Shop, client
from tests.web.world import shop as opened


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setattr("headgate.engine.builds.IN_FLIGHT", timedelta(milliseconds=20))  # the fake runner wakes nobody
    made = opened(tmp_path)
    await made.engine.start()
    yield made
    await made.engine.stop()


@pytest.fixture
async def ask(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with client(shop.api()) as asking:
        yield asking
