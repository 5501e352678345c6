"""Checks over HTTP: each attempt, what it printed, what was kept of it."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.web.world import FILE, REPOSITORY, SECRET, Shop, applying

SHOP = "/api/applications/shop"
CHECKS = f"{SHOP}/environments/staging/checks"
RULES = FILE.replace(
    "staging: {platform: process, strategy: all-at-once}",
    "staging: {platform: process, strategy: all-at-once, checks: [{name: e2e, run: pytest, retries: 1}]}",
)


@pytest.fixture
async def released(ask: httpx.AsyncClient, shop: Shop) -> httpx.AsyncClient:
    shop.source.commit(REPOSITORY, {"headgate.yaml": RULES}, subject="Make v1", version="v1")
    assert (await ask.post("/api/applications", json=applying(RULES))).status_code == 200
    assert (await ask.post(f"{SHOP}/releases", json={"by": "ann", "reference": "HEAD"})).status_code == 200
    assert (await ask.post(f"{SHOP}/environments/staging/deploy", json={"by": "ann"})).status_code == 200
    async with asyncio.timeout(20):
        while not (await ask.get(f"{SHOP}/environments/staging")).json()["stable"]:
            await asyncio.sleep(0.02)
    return ask


async def told(ask: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    answer = await ask.get(CHECKS, params=query)
    found: dict[str, Any] = answer.json()
    return found


async def test_each_attempt_is_told_of_what_is_there_and_of_any_release(released: httpx.AsyncClient) -> None:
    found = await told(released)
    assert found["label"] == "v1"
    assert found["text"] == "smoke passed, e2e passed; where users are: smoke passed"
    assert [(one["check"], one["where"]) for one in found["checks"]] == [
        ("smoke", "preview"), ("e2e", "preview"), ("smoke", "users"),
    ]  # fmt: skip
    assert await told(released, release="v1") == found
    summary = (await released.get(SHOP)).json()["environments"][0]
    assert summary["checks"]["text"] == f"checks of v1: {found['text']}"
    why = (await released.get(f"{SHOP}/environments/staging/why")).json()
    assert why["checks"] == summary["checks"]


async def test_its_log_shows_no_secret(released: httpx.AsyncClient, shop: Shop) -> None:
    shop.engine.world.hidden.learn(SECRET)
    job = (await told(released))["checks"][1]["job"]
    answer = await released.get(f"{CHECKS}/{job}/log")
    assert answer.text == f"{job} says ***\n"


async def test_only_what_was_kept_of_a_check_that_is_known_is_handed_over(
    released: httpx.AsyncClient, shop: Shop
) -> None:
    wheel = shop.engine.application("shop").wheel("staging")
    (release,) = wheel.state.checks
    smoke, e2e, last = wheel.state.checks[release]
    kept = replace(e2e, artifacts=("shots/a.png",))
    wheel.state = replace(wheel.state, checks={release: (smoke, kept, last)})
    answer = await released.get(f"{CHECKS}/{e2e.job}/file", params={"name": "shots/a.png"})
    assert answer.content == f"shots/a.png of {e2e.job}, ".encode() + b"\x89PNG"
    assert answer.headers["content-disposition"] == "attachment"
    for job, name in ((e2e.job, "../token"), (smoke.job, "shots/a.png"), ("rol_9-9-9", "shots/a.png")):
        refused = await released.get(f"{CHECKS}/{job}/file", params={"name": name})
        assert refused.status_code == 404
        assert "`headgate checks staging`" in refused.json()["error"]["remedy"]
    assert (await released.get(f"{CHECKS}/rol_9-9-9/log")).status_code == 404


async def test_where_nothing_was_released_it_says_so(released: httpx.AsyncClient) -> None:
    refused = await released.get(f"{SHOP}/environments/production/checks")
    assert refused.status_code == 404
    assert refused.json()["error"]["what"] == "nothing was released to production yet"
    assert (await released.get(f"{SHOP}/environments/production/checks?release=v1")).json()["checks"] == []
