"""Probes: whether the process lives, and whether it leads. They need no token, and open nothing else."""

from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette
from tests.web.world import Shop, client

from headgate.web.probes import ALIVE, READY
from headgate.web.waiting import standby


async def test_a_server_that_is_alone_leads(shop: Shop) -> None:
    async with client(shop.api(), token="") as asking:
        assert (await asking.get(ALIVE)).text == "ok\n"
        assert ((await asking.get(READY)).status_code, (await asking.get(READY)).text) == (200, "leads\n")


async def test_one_whose_lease_is_not_renewed_is_not_ready_and_lives(shop: Shop) -> None:
    shop.engine.world = replace(shop.engine.world, leads=lambda: False)
    async with client(shop.api(), token="") as asking:
        answer = await asking.get(READY)
        assert (answer.status_code, answer.text[:6]) == (503, "waits:")
        assert (await asking.get(ALIVE)).status_code == 200


async def test_they_are_read_and_no_way_in(shop: Shop) -> None:
    async with client(shop.api(), token="") as asking:
        assert (await asking.post(READY)).status_code == 405
        assert (await asking.get(f"{READY}/../api/applications")).status_code == 401
        assert (await asking.get("/readyz/api")).status_code == 401


@pytest.fixture
def waiting() -> Starlette:
    return standby(lambda: "one_4f leads; its lease was renewed within the last 2 s of 15 s")


async def test_who_waits_answers_probes_and_says_for_whom(waiting: Starlette) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(waiting), base_url="http://127.0.0.1") as asking:
        assert (await asking.get(ALIVE)).text == "ok\n"
        answer = await asking.get(READY)
        assert answer.status_code == 503
        assert answer.text.startswith("waits: one_4f leads")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_who_waits_does_nothing(waiting: Starlette, method: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(waiting), base_url="http://127.0.0.1") as asking:
        answer = await asking.request(method, "/api/applications/pcw/environments/qa/promote")
    assert answer.status_code == 503
    assert answer.json()["error"]["what"].startswith("this server waits: one_4f leads")
