"""Stop-the-line, break-glass and webhook gates over HTTP, against a real engine."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.web.world import FILE, REPOSITORY, Shop, applying

from headgate.engine.engine import Engine
from headgate.testing.fakes.gatekeeper import FakeGatekeeper

SHOP = "/api/applications/shop"
ANN = {"by": "ann@test"}
RULES = FILE.replace("  guarded:\n", "  guarded:\n    break_glass: [wardens]\n")
RULES += "groups: {wardens: [cleo, dan]}\n"


@pytest.fixture
async def released(ask: httpx.AsyncClient, shop: Shop) -> httpx.AsyncClient:
    shop.source.commit(REPOSITORY, {"headgate.yaml": RULES}, subject="Make v1", version="v1")
    assert (await ask.post("/api/applications", json=applying(RULES))).status_code == 200
    assert (await ask.post(f"{SHOP}/releases", json={**ANN, "reference": "HEAD"})).status_code == 200
    return ask


async def told(ask: httpx.AsyncClient, environment: str, verb: str, **said: Any) -> dict[str, Any]:
    answer = await ask.post(f"{SHOP}/environments/{environment}/{verb}", json={**ANN, **said})
    found: dict[str, Any] = answer.json()
    return found


async def stable(ask: httpx.AsyncClient, environment: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            view: dict[str, Any] = (await ask.get(f"{SHOP}/environments/{environment}")).json()
            if view["stable"] and not view["rollout"]:
                return view
            await asyncio.sleep(0.02)


async def kinds(ask: httpx.AsyncClient, environment: str) -> list[str]:
    return [one["kind"] for one in (await ask.get(f"{SHOP}/environments/{environment}/events")).json()["events"]]


async def test_a_frozen_environment_starts_nothing_until_it_is_unfrozen(released: httpx.AsyncClient) -> None:
    ask = released
    done = await told(ask, "staging", "freeze", why="the sale")
    assert [one["scope"] for one in done["frozen"]] == ["environment"]
    waiting = await told(ask, "staging", "deploy")
    assert waiting["waiting"]
    assert waiting["rollout"] is None
    summary = (await ask.get(SHOP)).json()["environments"][0]
    assert summary["waits_for"][0].startswith("v1 waits for a gate: frozen by ann@test (the sale)")
    assert summary["frozen"][0]["until"] is None
    pipeline = (await ask.get(f"{SHOP}/pipeline")).json()
    assert pipeline["environments"][0]["frozen"][0]["why"] == "the sale"
    assert (await told(ask, "staging", "unfreeze"))["frozen"] == []
    await stable(ask, "staging")
    assert [kind for kind in await kinds(ask, "staging") if "rozen" in kind] == ["RolloutsFrozen", "RolloutsUnfrozen"]
    assert "no freeze holds here" in (await told(ask, "staging", "unfreeze"))["error"]["what"]


async def test_it_ends_by_itself(released: httpx.AsyncClient, shop: Shop) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    await told(released, "staging", "freeze", why="an hour", until=ends.isoformat())
    assert (await told(released, "staging", "deploy"))["rollout"] is None
    shop.clock.ahead = timedelta(hours=1)
    shop.engine.wake("shop/staging")  # it would look by itself within a second
    await stable(released, "staging")
    assert (await released.get(f"{SHOP}/environments/staging")).json()["frozen"] == []


async def test_the_whole_line_stops_in_one_entry_and_survives_a_restart(
    released: httpx.AsyncClient, shop: Shop
) -> None:
    ask = released
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    line = (await ask.post("/api/freeze", json={**ANN, "why": "an incident", "until": tomorrow})).json()
    assert line["frozen"]["scope"] == "server"
    assert (await ask.get("/api/freeze")).json() == line
    assert (await told(ask, "staging", "deploy"))["rollout"] is None
    guarded = (await ask.get(f"{SHOP}/environments/guarded")).json()  # nothing ever happened there
    assert "every environment is frozen by ann@test (an incident)" in guarded["waits_for"][0]
    assert "unfreeze --all" in (await told(ask, "staging", "unfreeze"))["error"]["remedy"]

    again = Engine(shop.engine.world, shop.engine.log, shop.clock, shop.engine.new_id)
    await again.start()
    freeze = again.line.freeze
    await again.stop()
    assert freeze == shop.engine.line.freeze

    added = applying(RULES.replace("  guarded:", "  late: {platform: process}\n  guarded:"))
    assert (await ask.post("/api/applications", json=added)).status_code == 200
    assert (await told(ask, "late", "deploy", release="v1"))["rollout"] is None  # applied later, frozen all the same

    await told(ask, "late", "freeze", why="of its own")
    line = (await ask.post("/api/unfreeze", json=ANN)).json()
    assert line == {"frozen": None, "in_flight": [], "by_themselves": [{"application": "shop", "environment": "late"}]}
    await stable(ask, "staging")
    assert (await ask.post("/api/unfreeze", json=ANN)).status_code == 409


async def test_a_canary_in_flight_goes_on_and_is_told(released: httpx.AsyncClient, shop: Shop) -> None:
    ask = released
    await told(ask, "staging", "deploy")
    await stable(ask, "staging")
    assert (await told(ask, "production", "deploy"))["rollout"]
    line = (await ask.post("/api/freeze", json={**ANN, "why": "an incident"})).json()
    assert line["in_flight"] == [{"application": "shop", "environment": "production", "label": "v1"}]
    await stable(ask, "production")


@pytest.mark.parametrize("until", ["tomorrow", "2026-11-24T08:00", "0s", "-2h", "2h\n", "999999d", "2020-01-01T00:00Z"])
async def test_a_moment_that_is_none_is_refused(released: httpx.AsyncClient, until: str) -> None:
    for path in ("/api/freeze", f"{SHOP}/environments/staging/freeze"):
        answer = await released.post(path, json={**ANN, "why": "x", "until": until})
        if until.strip() == "2h":
            assert answer.status_code in (200, 409)
        else:
            assert answer.status_code == 409, answer.text
            assert "--until" in answer.json()["error"]["what"]


async def test_a_freeze_without_a_reason_is_refused(released: httpx.AsyncClient) -> None:
    for body in (ANN, {**ANN, "why": "  "}):
        assert (await released.post("/api/freeze", json=body)).status_code == 422


async def test_who_the_rules_name_passes_closed_gates_and_it_is_said_everywhere(released: httpx.AsyncClient) -> None:
    ask = released
    await ask.post("/api/freeze", json={**ANN, "why": "an incident"})
    refused = await told(ask, "guarded", "deploy", release="v1", why="it burns", break_glass=True)
    assert refused["error"]["what"] == "ann@test may not break the glass here; cleo, dan may"
    nameless = await told(ask, "guarded", "deploy", by="dan", why="it burns", break_glass=True)
    assert "names its release" in nameless["error"]["what"]
    nobody = await told(ask, "staging", "deploy", by="dan", release="v1", why="it burns", break_glass=True)
    assert "nobody may break the glass here" in nobody["error"]["what"]

    done = await told(ask, "guarded", "deploy", by="dan", release="v1", why="it burns", break_glass=True)
    assert done["rollout"]
    view = await stable(ask, "guarded")
    frozen, approval = view["break_glass"]["gates"]
    assert "every environment is frozen by ann@test" in frozen
    assert approval == "0 of 1 approvals (from ann)"
    assert view["break_glass"]["by"] == "dan"
    assert "GlassBroken" in await kinds(ask, "guarded")
    (past,) = (await ask.get(f"{SHOP}/environments/guarded/history")).json()["rollouts"]
    assert past["break_glass"] == view["break_glass"]
    why = (await ask.get(f"{SHOP}/environments/guarded/why")).json()
    said = [one for one in why["decisions"] if one["kind"] == "GlassBroken"]
    assert said[0]["text"].startswith("BREAK-GLASS by dan (it burns)")
    assert said[0]["gates"] == view["break_glass"]["gates"]


async def test_another_system_is_asked_beside_the_wheel(released: httpx.AsyncClient, shop: Shop) -> None:
    ask, keeper = released, FakeGatekeeper()
    keeper.open, keeper.hangs = True, asyncio.Event()
    application = shop.engine.application("shop")
    application.world = replace(application.world, gatekeeper=keeper)
    hook = "  asked:\n    platform: process\n    gates: [{webhook: {url: 'https://a.example/b?key=c'}}]\n"
    added = applying(RULES.replace("  guarded:\n", f"{hook}  guarded:\n"))
    assert (await ask.post("/api/applications", json=added)).status_code == 200
    assert (await told(ask, "asked", "deploy", release="v1", why="a fix"))["rollout"] is None
    async with asyncio.timeout(10):
        while not keeper.asked:
            await asyncio.sleep(0.01)
    why = (await ask.get(f"{SHOP}/environments/asked/why")).json()["waits_for"][0]
    assert why == "v1 waits for a gate: https://a.example/b was asked and has not answered yet"
    told_it = {"application": "shop", "environment": "asked", "label": "v1", "why": "a fix"}
    assert told_it.items() <= keeper.asked[0].items()
    keeper.hangs.set()
    shop.engine.wake("shop/asked")
    await stable(ask, "asked")
