"""Where releases are, who holds them, and what people found of them: over HTTP, against a real engine."""

import asyncio
import shutil
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.web.world import REPOSITORY, Shop, applying

SHOP = "/api/applications/shop"
ANN = {"by": "ann@test"}
FILE = """\
application: shop
services:
  web: {build: web, command: [serve], port: 8000}
  quotes: {build: quotes, command: [serve], port: 8000}
environments:
  qa: {platform: process, deploy: on-build, strategy: all-at-once, keep_warm: 0s}
  production:
    platform: process
    after: qa
    strategy: all-at-once
    keep_warm: 0s
    gates: [{sign_off: {from: qa}}]
source: {releases: on-announce}  # a commit is no release until someone asks
"""


def commit(shop: Shop, version: str, file: str = FILE) -> str:
    files = {"headgate.yaml": file, "web/app.py": version, "quotes/app.py": version}
    return shop.source.commit(REPOSITORY, files, subject=f"Make {version}", version=version).sha


async def release(ask: httpx.AsyncClient, shop: Shop, version: str, file: str = FILE) -> None:
    commit(shop, version, file)
    assert (await ask.post(f"{SHOP}/releases", json=ANN)).status_code == 200


async def told(ask: httpx.AsyncClient, environment: str, verb: str, **said: Any) -> dict[str, Any]:
    answer = await ask.post(f"{SHOP}/environments/{environment}/{verb}", json={**ANN, **said})
    found: dict[str, Any] = answer.json()
    return found


async def cells(ask: httpx.AsyncClient) -> dict[str, dict[str, str]]:
    """{"v1": {"qa": "stable"}}"""
    view = (await ask.get(f"{SHOP}/pipeline")).json()
    return {
        line["label"]: {name: cell["state"] for name, cell in line["environments"].items()} for line in view["releases"]
    }


async def until(ask: httpx.AsyncClient, **wanted: dict[str, str]) -> None:
    found: dict[str, dict[str, str]] = {}
    try:
        async with asyncio.timeout(20):
            while any(found.get(label) != states for label, states in wanted.items()):
                await asyncio.sleep(0.05)
                found = await cells(ask)
    except TimeoutError:
        pytest.fail(f"{found} instead of {wanted}")


@pytest.fixture
async def v1(ask: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """v1 is stable in qa, and waits for its sign-off."""
    monkeypatch.setattr("headgate.engine.engine.WAITING", timedelta(milliseconds=50))
    await ask.post("/api/applications", json=applying(FILE))
    await release(ask, shop, "v1")
    await until(ask, v1={"qa": "stable", "production": "waiting"})
    return shop


async def test_what_is_accepted_goes_on_and_what_is_rejected_does_not(ask: httpx.AsyncClient, v1: Shop) -> None:
    view = (await ask.get(f"{SHOP}/pipeline")).json()
    assert "no sign-off in qa yet" in view["releases"][0]["environments"]["production"]["why"]
    assert (await told(ask, "qa", "sign-off", verdict="accepted", note="tried it"))["label"] == "v1"
    await until(ask, v1={"qa": "stable", "production": "stable"})
    await release(ask, v1, "v2")
    await until(ask, v2={"qa": "stable", "production": "waiting"}, v1={"qa": "passed", "production": "stable"})
    await told(ask, "qa", "sign-off", verdict="rejected", note="wrong totals")
    await until(ask, v2={"qa": "stable"}, v1={"qa": "passed", "production": "stable"})
    refused = await told(ask, "production", "deploy", release="v2")
    assert refused["error"]["what"].startswith("v2 was rejected in qa by ann@test: wrong totals")
    why = (await ask.get(f"{SHOP}/environments/qa/why")).json()
    assert (why["signed_off"]["verdict"], why["signed_off"]["note"]) == ("rejected", "wrong totals")


async def test_what_a_person_deploys_stays_until_it_is_let_go(ask: httpx.AsyncClient, v1: Shop) -> None:
    await release(ask, v1, "v2")
    await until(ask, v2={"qa": "stable", "production": "waiting"})
    assert (await told(ask, "qa", "deploy", release="v1", why="reproduce a bug"))["pinned"]["label"] == "v1"
    await until(ask, v1={"qa": "stable"})
    await release(ask, v1, "v3")
    await asyncio.sleep(0.3)  # v3 would be asked for at once
    assert (await cells(ask))["v3"] == {}
    status = (await ask.get(SHOP)).json()["environments"][0]
    assert status["pinned"]["why"] == "reproduce a bug"
    assert status["waits_for"] == [
        "pinned by ann@test (reproduce a bug): nothing comes by itself until `headgate unpin qa`, or a deployment"
    ]
    await told(ask, "qa", "unpin")
    await until(ask, v3={"qa": "stable", "production": "waiting"})


async def test_what_comes_next_is_not_pinned(ask: httpx.AsyncClient, v1: Shop) -> None:
    await release(ask, v1, "v2")
    await until(ask, v2={"qa": "stable", "production": "waiting"})
    await told(ask, "qa", "deploy", release="v1")
    await until(ask, v1={"qa": "stable"})
    assert (await told(ask, "qa", "deploy"))["pinned"] is None


async def test_a_past_release_is_checked_out_again(ask: httpx.AsyncClient, v1: Shop) -> None:
    """Its source folder was cleaned up; it is named by a tag that was set only after it was made."""
    await release(ask, v1, "v2")
    await until(ask, v2={"qa": "stable", "production": "waiting"})
    found = v1.engine.application("shop").release("v1")
    folder = v1.engine.world.releases / found.id
    shutil.rmtree(folder)
    assert (await told(ask, "qa", "deploy", release=found.commit[:10]))["label"] == "v1"
    assert (folder / "web/app.py").read_text() == "v1"


async def test_a_rollback_finds_its_source_again(ask: httpx.AsyncClient, v1: Shop) -> None:
    """keep_warm is 0: what was stable before is gone, and its source was cleaned up."""
    await release(ask, v1, "v2")
    await until(ask, v2={"qa": "stable", "production": "waiting"})
    application = v1.engine.application("shop")
    folder, wheel = v1.engine.world.releases / application.release("v1").id, application.wheel("qa")
    before = wheel.state.previous
    assert before is not None
    async with asyncio.timeout(10):
        while before.id in {one.revision for one in wheel.seen.instances or ()}:
            v1.engine.wake(wheel.environment)
            await asyncio.sleep(0.01)
    shutil.rmtree(folder)
    await told(ask, "qa", "rollback")
    assert (folder / "web/app.py").read_text() == "v1"
    await until(ask, v1={"qa": "stable"}, v2={"qa": "rolled back"})


async def test_a_commit_without_a_release_is_told_how_to_get_one(ask: httpx.AsyncClient, v1: Shop) -> None:
    commit(v1, "v1.5")
    refused = await told(ask, "qa", "deploy", release="v1.5")
    assert "make one: `headgate release v1.5`" in str(refused["error"]).lower()
    assert "has no release 'v9'" in (await told(ask, "qa", "deploy", release="v9"))["error"]["what"]


async def test_exactly_what_was_proven_goes_on(ask: httpx.AsyncClient, v1: Shop) -> None:
    """The branch has moved, the tag too, and the file says something else by now: none of it reaches production."""
    commit(v1, "v1", FILE.replace("command: [serve]", "command: [other]"))
    proven = v1.engine.application("shop").wheel("qa").state.stable
    await told(ask, "qa", "sign-off", verdict="accepted")
    await until(ask, v1={"qa": "stable", "production": "stable"})
    went = v1.engine.application("shop").wheel("production").state.stable
    assert proven is not None
    assert went is not None
    assert (went.release, went.commit) == (proven.release, proven.commit)
    assert [(s.name, s.command, s.build, s.image) for s in went.services] == [
        (s.name, s.command, s.build, s.image) for s in proven.services
    ]


async def test_a_hotfix_needs_a_reason(ask: httpx.AsyncClient, v1: Shop) -> None:
    refused = await told(ask, "qa", "deploy", release="v1", hotfix=True)
    assert "already stable here" in refused["error"]["what"]
    await release(ask, v1, "v2")
    await until(ask, v2={"qa": "stable", "production": "waiting"})
    assert "say why" in str(await told(ask, "qa", "deploy", release="v1", hotfix=True)).lower()


async def test_the_columns_are_the_environments_of_the_file(ask: httpx.AsyncClient, v1: Shop) -> None:
    view = (await ask.get(f"{SHOP}/pipeline", params={"limit": 0})).json()
    assert [(one["environment"], one["after"], one["deploy"]) for one in view["environments"]] == [
        ("qa", None, "on-build"),
        ("production", "qa", "on-advance"),
    ]
    assert [line["label"] for line in view["releases"]] == ["v1"]  # it is somewhere
    assert (await ask.get(f"{SHOP}/pipeline", params={"limit": -1})).status_code == 422
