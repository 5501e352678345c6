"""The contract on a real registry with TLS and a password; the fake holds it too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.registries.authority import Authority
from tests.adapters.registries.server import RegistryServer
from tests.adapters.registries.stage import RegistryStage

from headgate.adapters.registries.docker.registry import DockerRegistry
from headgate.testing.contracts import registries
from headgate.testing.fakes.registry import FakeRegistry


@pytest.mark.real("docker-registry")
@pytest.mark.usefixtures("docker", "login")
class TestWithTlsAndAPassword(registries.RegistryContract):
    @pytest.fixture
    def stage(self, tmp_path: Path, authority: Authority) -> Iterator[RegistryStage]:
        server = RegistryServer(tmp_path / "registry", authority, login=True)
        settings = {"url": server.url, "ca": str(authority.file), "login_from": "REGISTRY_LOGIN"}
        yield RegistryStage(DockerRegistry(), settings, tmp_path)
        server.stop()


class FakeStage:
    def __init__(self) -> None:
        self.registry = FakeRegistry()
        self.settings: dict[str, str] = {}

    async def image(self, content: str) -> str:
        return content


class TestFake(registries.RegistryContract):
    @pytest.fixture
    def stage(self) -> FakeStage:
        return FakeStage()
