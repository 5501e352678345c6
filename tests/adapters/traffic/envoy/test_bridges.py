"""The mesh at the gateway of a container network: there for that network, and in nobody's way."""

import asyncio

import aiohttp
import pytest
from tests.adapters.traffic.envoy.stage import EnvoyStage

from headgate.adapters.envoy_bridges import Bridge, write_bridge
from headgate.model.routes import Backend, Routes
from headgate.ports import AdapterError
from headgate.testing.contracts.traffic import PRODUCTION, STABLE

pytestmark = pytest.mark.real("envoy")


async def mesh(stage: EnvoyStage, at: str) -> str:
    """The URL of the mesh door, at another of this machine's addresses."""
    routes = Routes(PRODUCTION, (Backend(STABLE, 100, {"web": (await stage.instance("stable"),)}),))
    await stage.router.set_routes(routes)
    return (await stage.router.addresses(PRODUCTION, {"web": None}))["web"].mesh.replace("127.0.0.1", at)


async def test_it_is_open_as_soon_as_the_bridge_is_seen_and_closed_with_it(stage: EnvoyStage) -> None:
    url = await mesh(stage, "127.0.0.2")
    with pytest.raises(aiohttp.ClientConnectorError):
        await stage.ask(url)
    write_bridge(stage.settings.folder, PRODUCTION, Bridge("127.0.0.2", ("127.0.0.0/8",)))
    await stage.router.observe(PRODUCTION)
    assert (await stage.ask(url)).by == "stable"
    assert (await stage.ask(url.replace("127.0.0.2", "127.0.0.1"))).by == "stable"


async def test_it_is_found_again(stage: EnvoyStage) -> None:
    url = await mesh(stage, "127.0.0.2")
    write_bridge(stage.settings.folder, PRODUCTION, Bridge("127.0.0.2", ("127.0.0.0/8",)))
    await stage.router.observe(PRODUCTION)
    await stage.restart()
    await stage.router.observe(PRODUCTION)
    assert (await stage.ask(url)).by == "stable"


async def test_who_is_not_of_the_network_is_cut_off(stage: EnvoyStage) -> None:
    url = await mesh(stage, "127.0.0.2")
    write_bridge(stage.settings.folder, PRODUCTION, Bridge("127.0.0.2", ("10.1.0.0/16",)))
    await stage.router.observe(PRODUCTION)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await stage.ask(url)
    assert (await stage.ask(url.replace("127.0.0.2", "127.0.0.1"))).by == "stable"


async def test_a_gateway_that_is_away_is_listened_on_all_the_same(stage: EnvoyStage) -> None:
    """While the Docker Engine is stopped its bridges may be gone; the doors of the environment go on."""
    url = await mesh(stage, "127.0.0.1")
    write_bridge(stage.settings.folder, PRODUCTION, Bridge("198.51.100.1", ("198.51.100.0/24",)))
    await stage.router.observe(PRODUCTION)
    assert (await stage.ask(url)).by == "stable"


async def test_a_port_that_is_taken_there_is_told(stage: EnvoyStage) -> None:
    url = await mesh(stage, "127.0.0.3")
    port = int(url.rpartition(":")[2])
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.3", port):
        write_bridge(stage.settings.folder, PRODUCTION, Bridge("127.0.0.3", ("127.0.0.0/8",)))
        with pytest.raises(AdapterError, match=r"cannot listen at 127\.0\.0\.3, where its containers look for web"):
            await stage.router.observe(PRODUCTION)
