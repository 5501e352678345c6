"""Builds over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.web.world import FILE, Shop, applying

from headgate.model.ids import StepRunId

CI = f"{FILE}pipeline:\n  ci: [{{name: test, run: 'pytest'}}]\n"
BUILDS = "/api/applications/shop/builds"


@pytest.fixture
async def asked(shop: Shop, ask: httpx.AsyncClient) -> dict[str, Any]:
    await ask.post("/api/applications", json=applying(CI))
    shop.commit("Sell more")
    answer = await ask.post("/api/applications/shop/releases", json={"by": "ann"})
    assert answer.status_code == 200
    made: dict[str, Any] = answer.json()
    async with asyncio.timeout(10):
        while not shop.runner.running():
            await asyncio.sleep(0.01)
    return made


async def ended(ask: httpx.AsyncClient, name: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while (view := (await ask.get(f"{BUILDS}/{name}")).json())["state"] == "running":
            await asyncio.sleep(0.02)
    return dict(view)


async def test_asking_for_a_release_answers_with_its_build(asked: dict[str, Any], ask: httpx.AsyncClient) -> None:
    assert asked["steps"] == [{"step": "test", "needs": [], "state": "waiting"}]
    assert (asked["subject"], asked["release"], asked["state"]) == ("Sell more", None, "running")
    listed = (await ask.get(BUILDS)).json()["builds"]
    assert [one["build"] for one in listed] == [asked["build"]]


async def test_once_it_has_passed_the_answer_is_the_release(
    asked: dict[str, Any], shop: Shop, ask: httpx.AsyncClient
) -> None:
    shop.runner.end("test", "passed", seconds=2.0)
    view = await ended(ask, asked["build"])
    assert (view["state"], view["steps"][0]["seconds"]) == ("passed", 2.0)
    made = (await ask.post("/api/applications/shop/releases", json={"by": "ann"})).json()
    assert made["release"] == view["release"]


async def test_its_events_come_as_they_happen(asked: dict[str, Any], shop: Shop, ask: httpx.AsyncClient) -> None:
    async def news(after: int) -> dict[str, Any]:
        return dict((await ask.get(f"{BUILDS}/{asked['build']}/events", params={"after": after, "wait": 5})).json())

    first = await news(0)
    assert [event["kind"] for event in first["events"]][:2] == ["BuildRequested", "CiStepStarted"]
    waiting = asyncio.create_task(news(first["version"]))
    shop.runner.end("test", "failed", why="exited with code 1")
    (event,) = (await waiting)["events"][:1]
    assert (event["kind"], event["step"], event["outcome"]) == ("CiStepEnded", "test", "failed")
    assert event["text"] == "test failed after 0.0 s: exited with code 1"


async def test_its_logs_are_text(asked: dict[str, Any], shop: Shop, ask: httpx.AsyncClient) -> None:
    shop.runner.printed[StepRunId(f"{asked['build']}.test.1")] = ["one", "two"]
    assert (await ask.get(f"{BUILDS}/{asked['build']}/logs")).text == "test | one\ntest | two\n"


async def test_it_is_cancelled_once(asked: dict[str, Any], ask: httpx.AsyncClient) -> None:
    path = f"{BUILDS}/{asked['build']}/cancel"
    assert (await ask.post(path, json={"by": "ann", "why": "a mistake"})).status_code == 200
    async with asyncio.timeout(10):
        while (await ask.get(f"{BUILDS}/{asked['build']}")).json()["state"] != "cancelled":
            await asyncio.sleep(0.02)
    assert (await ask.post(path, json={"by": "ann"})).status_code == 409


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("bld_9", "shop has no build 'bld_9'"),
        ("bld_9/logs", "shop has no build 'bld_9'"),
        ("{build}/logs?step=nothing", "has no step 'nothing'"),
    ],
)
async def test_what_is_not_there_is_named(asked: dict[str, Any], ask: httpx.AsyncClient, path: str, what: str) -> None:
    answer = await ask.get(f"{BUILDS}/{path.format(build=asked['build'])}")
    assert answer.status_code == 404
    assert what in answer.json()["error"]["what"]


async def test_applying_says_which_steps_changed(ask: httpx.AsyncClient) -> None:
    first = (await ask.post("/api/applications", json=applying(CI))).json()
    assert first["ci"] == ["test is new: pytest"]
    changed = applying(CI.replace("'pytest'", "pytest -x, timeout: 1m"))
    second = (await ask.post("/api/applications", json=changed)).json()
    assert second["ci"] == ["test, run: pytest -> pytest -x", "test, timeout: 30m -> 1m"]
    assert (await ask.post("/api/applications", json=applying(FILE))).json()["ci"] == ["test is removed"]
