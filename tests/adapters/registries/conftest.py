"""One registry with TLS and a login for each module, and repositories of its own for each test."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.registries.authority import Authority
from tests.adapters.registries.server import HOSTS, PASSWORD, USER, RegistryServer
from tests.conftest import require

from headgate.adapters.docker_engine import DockerEngine, socket_path


@pytest.fixture(scope="session")
def docker() -> Iterator[None]:
    """A Docker Engine that runs: installed alone it builds nothing. What was pushed from it is taken out afterwards."""
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(socket_path())):
            require("a Docker Engine that runs")
    yield
    asyncio.run(taken_out())


async def taken_out() -> None:
    engine = DockerEngine()
    try:
        images = await engine.json("GET", "/images/json")
        for name in [tag for image in images for tag in image["RepoTags"] or [] if tag.partition("/")[0] in HOSTS]:
            await engine.json("DELETE", f"/images/{name}", accept=(404, 409))
    finally:
        await engine.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[RegistryServer]:
    """HTTPS with a private CA, and a password."""
    server = RegistryServer(tmp_path_factory.mktemp("registry"), authority, login=True)
    yield server
    server.stop()


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[RegistryServer]:
    """HTTP, without a login; to be stopped, filled and lied about."""
    server = RegistryServer(tmp_path / "registry")
    yield server
    server.stop()


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_LOGIN", f"{USER}:{PASSWORD}")
