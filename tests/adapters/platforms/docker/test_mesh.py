"""Services in containers reach each other through Envoy, and in no other way."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from tests.adapters.platforms.docker.stage import DockerStage
from tests.adapters.platforms.process.stage import get

from headgate.adapters.envoy_admin import EnvoyAdmin, EnvoySettings
from headgate.adapters.envoy_bridges import read_bridges
from headgate.adapters.traffic.envoy import EnvoyRouter
from headgate.model.ids import EnvironmentId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.routes import Backend, Routes
from headgate.model.services import Value
from headgate.testing.contracts.platform import PRODUCTION, STAGING, ready

pytestmark = pytest.mark.real("dockerd", "envoy")
SERVICES: dict[str, int | None] = {"prices": None, "web": None}


@pytest.fixture
async def router(stage: DockerStage) -> AsyncIterator[EnvoyRouter]:
    made = EnvoyRouter(EnvoySettings(stage.settings.envoy))
    yield made
    await made.close(stop=True)


async def running(
    stage: DockerStage, router: EnvoyRouter, environment: EnvironmentId = PRODUCTION
) -> tuple[Instance, Instance]:
    """`prices` and `web`, which is told where `prices` is; both routed to."""
    addresses = await router.addresses(environment, SERVICES)
    revision = two_services(stage, addresses["prices"].mesh, environment)
    await stage.platform.run(revision)
    if environment == PRODUCTION:
        await ready(stage, 2)
    prices, web = await stage.platform.observe(environment)
    endpoints = {"prices": (prices.address,), "web": (web.address,)}
    await router.set_routes(Routes(environment, (Backend(revision.id, 100, endpoints),)))
    await router.observe(environment)
    return prices, web


def two_services(stage: DockerStage, prices: str, environment: EnvironmentId) -> Revision:
    revision = stage.revision("one", environment=environment)
    (web,) = revision.services
    env = {**web.env, "PRICES_URL": Value("plain", prices), "BANK_URL": Value("plain", "http://127.0.0.1:1/mine")}
    return replace(revision, services=(replace(web, env=env), replace(web, name="prices", env=web.env)))


async def test_a_service_reaches_another_at_the_address_it_is_told(stage: DockerStage, router: EnvoyRouter) -> None:
    _, web = await running(stage, router)
    told = json.loads(await get(web, "/environment"))
    bridge = read_bridges(stage.settings.envoy)[PRODUCTION]
    assert told["PRICES_URL"].startswith(f"http://{bridge.gateway}:")
    assert told["BANK_URL"] == "http://127.0.0.1:1/mine", "what the file's author wrote is meant"
    answer = json.loads(await get(web, f"/ask?{told['PRICES_URL']}/environment"))
    assert answer["SERVICE"] == "prices"


async def test_a_container_cannot_go_around_envoy(stage: DockerStage, router: EnvoyRouter) -> None:
    prices, web = await running(stage, router)
    (network,) = (await stage.inspect(prices.id))["NetworkSettings"]["Networks"].values()
    assert "timed out" in await get(web, f"/ask?http://{network['IPAddress']}:8000/healthz")


async def test_another_environment_is_not_answered(stage: DockerStage, router: EnvoyRouter) -> None:
    _, web = await running(stage, router)
    address = json.loads(await get(web, "/environment"))["PRICES_URL"]
    assert await get(web, f"/ask?{address}/healthz") == "ok"
    await running(stage, router, STAGING)
    for _ in range(200):
        stranger = next(one for one in await stage.platform.observe(STAGING) if one.service == "web")
        if stranger.state == "ready":
            break
        await stage.wait(0.05)
    said = await get(stranger, f"/ask?{address}/healthz")
    assert said != "ok"
    assert "reset" in said or "closed" in said or "timed out" in said


async def test_the_doors_on_loopback_stay_as_they_were(stage: DockerStage, router: EnvoyRouter) -> None:
    """A connection that was open before the bridge came is not disturbed."""
    before = (await router.addresses(PRODUCTION, SERVICES))["prices"].mesh
    async with aiohttp.ClientSession() as session:
        async with session.get(before) as answer:
            assert answer.status == 503
        await running(stage, router)
        async with session.get(f"{before}/healthz") as answer:
            assert await answer.text() == "ok"


async def test_the_bridge_goes_with_its_network(stage: DockerStage, router: EnvoyRouter) -> None:
    await running(stage, router)
    admin = EnvoyAdmin(stage.settings.envoy)
    try:
        assert [name for name in await listening(admin) if "@" in name]
        await stage.platform.stop_all(PRODUCTION)
        assert read_bridges(stage.settings.envoy) == {}
        await router.observe(PRODUCTION)
        for _ in range(100):
            left = [name for name in await listening(admin) if "@" in name]
            if not left:
                break
            await stage.wait(0.02)
        assert left == []
    finally:
        await admin.close()


async def listening(admin: EnvoyAdmin) -> list[str]:
    answer = await admin.json("/listeners", {"format": "json"})
    return [one["name"] for one in answer["listener_statuses"]]
