"""Rollouts over HTTP: told, followed, stopped, looked back at."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.web.world import Shop, applying

from headgate.model.ids import RevisionId, environment_id
from headgate.model.measurements import Query, Sample, Window

STAGING = "/api/applications/shop/environments/staging"
PRODUCTION = "/api/applications/shop/environments/production"
GUARDED = "/api/applications/shop/environments/guarded"
ENVIRONMENT = environment_id("shop", "production")
ANN = {"by": "ann@test"}


async def ended(ask: httpx.AsyncClient, where: str, after: int = 0) -> list[dict[str, Any]]:
    """All events up to the one that ends a rollout."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while not any(event["kind"] == "RolloutEnded" for event in events):
            answer = (await ask.get(f"{where}/events", params={"after": after, "wait": 5})).json()
            after = answer["version"]
            events += answer["events"]
    return events


@pytest.fixture
async def released(ask: httpx.AsyncClient, shop: Shop) -> Shop:
    """v1 is stable in staging; v2 is there to be deployed. The metric source has counted for an hour."""
    earlier = shop.clock.now() - timedelta(hours=1)
    await shop.metrics.read(Query(ENVIRONMENT, "web"), RevisionId("rev_any"), Window(earlier, earlier))
    await ask.post("/api/applications", json=applying())
    for version in ("v1", "v2"):
        shop.commit(version=version)
        await ask.post("/api/applications/shop/releases", json=ANN)
    await ask.post(f"{STAGING}/deploy", json={**ANN, "release": "v1"})
    await ended(ask, STAGING)
    return shop


@pytest.fixture
async def on_trial(ask: httpx.AsyncClient, released: Shop) -> Shop:
    """v1 is stable in production, and v2 is on trial there; nobody visits, so it stays so."""
    await ask.post(f"{PRODUCTION}/deploy", json={**ANN, "release": "v1"})
    await ended(ask, PRODUCTION)
    version = (await ask.get(STAGING)).json()["version"]
    await ask.post(f"{STAGING}/deploy", json={**ANN, "release": "v2"})
    await ended(ask, STAGING, version)
    await ask.post(f"{PRODUCTION}/deploy", json={**ANN, "release": "v2"})
    async with asyncio.timeout(20):
        while (await ask.get(PRODUCTION)).json()["rollout"]["steps"][(await position(ask))] != "analyze":
            await asyncio.sleep(0.05)
    return released


async def position(ask: httpx.AsyncClient) -> int:
    found: int = (await ask.get(PRODUCTION)).json()["rollout"]["position"]
    return found


async def test_a_deployment_is_followed_to_its_end(ask: httpx.AsyncClient, released: Shop) -> None:
    view = (await ask.get(STAGING)).json()
    assert view["stable"]["label"] == "v1"
    assert view["rollout"] is None
    assert view["weights"] == {view["stable"]["revision"]: 100}
    assert view["waits_for"] == []
    past = (await ask.get(f"{STAGING}/history")).json()["rollouts"]
    assert [(one["label"], one["outcome"]) for one in past] == [("v1", "promoted")]


async def test_deploy_answers_with_what_to_follow(ask: httpx.AsyncClient, released: Shop) -> None:
    done = (await ask.post(f"{STAGING}/deploy", json={**ANN, "release": "v2"})).json()
    assert done["label"] == "v2"
    assert done["candidate"] == "v2"
    assert done["environment"] == "staging"
    events = await ended(ask, STAGING, done["version"])
    assert events[0]["kind"] == "ReleaseRequested"
    assert events[-1]["rollout"] == done["rollout"]
    assert events[-1]["outcome"] == "promoted"


async def test_deploy_without_a_release_takes_the_newest(ask: httpx.AsyncClient, released: Shop) -> None:
    assert (await ask.post(f"{STAGING}/deploy", json=ANN)).json()["label"] == "v2"


async def test_a_release_that_has_not_passed_is_refused_with_the_way_there(
    ask: httpx.AsyncClient, released: Shop
) -> None:
    answer = await ask.post(f"{PRODUCTION}/deploy", json={**ANN, "release": "v2"})
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["what"] == "v2 was not promoted in staging"
    assert error["where"] == "shop/production"
    assert error["remedy"] == "deploy it there first: `headgate deploy staging v2`"


async def test_pause_resume_and_abort(ask: httpx.AsyncClient, on_trial: Shop) -> None:
    assert (await ask.post(f"{PRODUCTION}/pause", json={**ANN, "why": "lunch"})).json()["phase"] == "paused"
    assert (await ask.post(f"{PRODUCTION}/pause", json=ANN)).status_code == 409
    assert "paused (lunch)" in (await ask.get(PRODUCTION)).json()["waits_for"][0]
    assert (await ask.post(f"{PRODUCTION}/resume", json=ANN)).json()["phase"] == "running"
    done = (await ask.post(f"{PRODUCTION}/abort", json={**ANN, "why": "not today"})).json()
    events = await ended(ask, PRODUCTION, done["version"])
    assert events[-1]["outcome"] == "aborted"
    assert list((await ask.get(PRODUCTION)).json()["quarantined"].values()) == ["not today"]
    lifted = await ask.post("/api/applications/shop/lift", json={**ANN, "release": "v2", "why": "it was lunch"})
    assert lifted.json()["label"] == "v2"
    assert (await ask.get(PRODUCTION)).json()["quarantined"] == {}


async def test_promote_skips_what_is_left(ask: httpx.AsyncClient, on_trial: Shop) -> None:
    done = (await ask.post(f"{PRODUCTION}/promote", json=ANN)).json()
    assert (await ended(ask, PRODUCTION, done["version"]))[-1]["outcome"] == "promoted"
    assert (await ask.get(PRODUCTION)).json()["stable"]["label"] == "v2"


async def test_rollback_goes_back_and_has_switched_when_it_answers(ask: httpx.AsyncClient, on_trial: Shop) -> None:
    done = (await ask.post(f"{PRODUCTION}/promote", json=ANN)).json()
    await ended(ask, PRODUCTION, done["version"])
    done = (await ask.post(f"{PRODUCTION}/rollback", json={**ANN, "why": "complaints"})).json()
    assert done["candidate"] == "v1"
    view = (await ask.get(PRODUCTION)).json()
    weights = {backend.revision: backend.weight for backend in on_trial.router.routes[ENVIRONMENT].backends}
    assert {view["labels"][revision]: weight for revision, weight in weights.items() if weight} == {"v1": 100}
    assert (await ended(ask, PRODUCTION, done["version"]))[-1]["outcome"] == "promoted"
    assert (await ask.get(PRODUCTION)).json()["stable"]["label"] == "v1"


async def test_an_approval_opens_the_gate(ask: httpx.AsyncClient, released: Shop) -> None:
    done = (await ask.post(f"{GUARDED}/deploy", json={**ANN, "release": "v1"})).json()
    assert done["waiting"]
    assert done["rollout"] is None
    assert "0 of 1 approvals (from ann)" in (await ask.get(f"{GUARDED}/why")).json()["waits_for"][0]
    assert (await ask.post(f"{GUARDED}/approve", json={"by": "ann"})).status_code == 200
    assert (await ended(ask, GUARDED, done["version"]))[-1]["rollout"] == done["waiting"]
    assert (await ask.post(f"{GUARDED}/approve", json={"by": "ann"})).status_code == 409


async def test_why_tells_the_decisions_since_the_latest_request(ask: httpx.AsyncClient, released: Shop) -> None:
    done = (await ask.post(f"{STAGING}/deploy", json={**ANN, "release": "v2", "why": "Friday"})).json()
    await ended(ask, STAGING, done["version"])
    answer = (await ask.get(f"{STAGING}/why")).json()
    assert answer["decisions"][0]["text"] == "v2 was asked for by ann@test: Friday"
    assert answer["decisions"][-1]["kind"] == "RolloutEnded"
    assert answer["waits_for"] == []


async def test_the_picture_has_rates_of_both_sides(ask: httpx.AsyncClient, on_trial: Shop) -> None:
    view = (await ask.get(PRODUCTION)).json()
    candidate, stable = view["rollout"]["candidate"]["revision"], view["stable"]["revision"]
    for revision, errors in ((candidate, 5), (stable, 0)):
        query = Query("shop/production", "web")
        on_trial.metrics.feed(query, revision, on_trial.clock.now(), Sample(50, errors, {24: 50}))
    live = (await ask.get(PRODUCTION)).json()["live"]
    assert live[candidate]["web"]["requests_per_second"] == 10.0
    assert live[candidate]["web"]["error_share"] == 0.1
    assert live[stable]["web"]["p99_ms"] == pytest.approx(8.0)


async def test_news_answers_at_once_when_there_is_some_and_in_time_when_not(
    ask: httpx.AsyncClient, released: Shop
) -> None:
    version = (await ask.get(STAGING)).json()["version"]
    began = time.monotonic()
    assert (await ask.get(f"{STAGING}/events", params={"wait": 10})).json()["events"]
    assert time.monotonic() - began < 5
    answer = (await ask.get(f"{STAGING}/events", params={"after": version, "wait": 0.2})).json()
    assert answer == {"events": [], "version": version, "more": False}


async def test_someone_who_waits_hears_at_once(ask: httpx.AsyncClient, released: Shop) -> None:
    version = (await ask.get(STAGING)).json()["version"]
    waiting = asyncio.create_task(ask.get(f"{STAGING}/events", params={"after": version, "wait": 20}))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await ask.post(f"{STAGING}/deploy", json={**ANN, "release": "v2"})
    async with asyncio.timeout(5):
        assert (await waiting).json()["events"][0]["kind"] == "ReleaseRequested"


async def test_logs_are_text(ask: httpx.AsyncClient, released: Shop) -> None:
    answer = await ask.get(f"{STAGING}/logs", params={"lines": 3, "service": "web"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(answer.text.splitlines()) == 3


async def test_a_platform_that_cannot_be_reached_is_an_error_before_the_text_begins(
    ask: httpx.AsyncClient, released: Shop
) -> None:
    released.platform.unreachable = "the platform is on fire"
    answer = await ask.get(f"{STAGING}/logs")
    assert answer.status_code == 502
    assert answer.json()["error"]["what"] == "the platform is on fire"


async def test_restored_data_are_a_service_and_its_level(ask: httpx.AsyncClient) -> None:
    await ask.post("/api/applications", json=applying())
    for restored in ("web", "/7", "web/", "web/-1", "web/1e3", "web/7/7", "web/\u0667", f"web/{'9' * 10}"):
        answer = await ask.post(f"{STAGING}/migrate", json={**ANN, "restored": restored})
        assert (answer.status_code, "write SERVICE/LEVEL" in answer.text) == (409, True), restored
    answer = await ask.post(f"{STAGING}/migrate", json={**ANN, "restored": "web/7", "why": "a backup"})
    assert "may not say that data were restored here" in answer.text


async def test_what_does_not_exist_is_unknown(ask: httpx.AsyncClient, released: Shop) -> None:
    for path in ("/api/applications/nope", f"{STAGING}x", "/api/applications/shop/environments/nope/history"):
        answer = await ask.get(path)
        assert answer.status_code == 404
        assert "known: " in answer.json()["error"]["what"]
