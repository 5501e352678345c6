"""Who is let in, and who is trusted: tokens, passwords, certificates, plain HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.registries.authority import Authority
from tests.adapters.registries.server import PASSWORD, USER, RegistryServer, free_port
from tests.adapters.registries.stage import RegistryStage
from tests.adapters.registries.tokens import TokenServer

from headgate.adapters.registries.docker.registry import DockerRegistry
from headgate.model.images import Repository
from headgate.ports import AdapterError

LOGIN = {"login_from": "REGISTRY_LOGIN"}


def web(**settings: str) -> Repository:
    return Repository("shop/web", settings)


@pytest.mark.real("docker-registry")
@pytest.mark.usefixtures("docker", "login")
class TestTokens:
    @pytest.fixture
    def tokens(self, tmp_path: Path, authority: Authority) -> Iterator[TokenServer]:
        server = TokenServer(tmp_path, authority)
        yield server
        server.stop()

    @pytest.fixture
    def stage(self, tmp_path: Path, authority: Authority, tokens: TokenServer) -> Iterator[RegistryStage]:
        server = RegistryServer(tmp_path / "registry", authority, token=tokens.settings())
        yield RegistryStage(DockerRegistry(), {"url": server.url, "ca": str(authority.file), **LOGIN}, tmp_path)
        server.stop()

    async def test_each_verb_asks_for_what_it_needs(self, stage: RegistryStage, tokens: TokenServer) -> None:
        repository = web(**stage.settings)
        digest = await stage.registry.push(await stage.image("one"), repository, "v1")
        await stage.registry.tag(repository, digest, "v2")
        assert await stage.registry.tags(repository) == {"v1": digest, "v2": digest}
        await stage.registry.delete(repository, digest)
        assert not await stage.registry.exists(repository, digest)
        assert {"repository:shop/web:pull", "repository:shop/web:delete"} < set(tokens.asked)

    async def test_a_token_is_used_again(self, stage: RegistryStage, tokens: TokenServer) -> None:
        for _ in range(5):
            assert await stage.registry.resolve(web(**stage.settings), "v1") is None
        assert len(tokens.asked) == 1

    async def test_a_wrong_password_is_told(self, stage: RegistryStage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REGISTRY_LOGIN", "ada:wrong")
        with pytest.raises(AdapterError, match=r"no token .*check user and password in the variable REGISTRY_LOGIN"):
            await stage.registry.resolve(web(**stage.settings), "v1")


@pytest.mark.real("docker-registry")
class TestPasswordsAndCertificates:
    @pytest.mark.usefixtures("login")
    async def test_a_private_ca_that_is_not_named_is_not_trusted(self, secured: RegistryServer) -> None:
        with pytest.raises(AdapterError, match=r"certificate is not trusted.*name its file"):
            await DockerRegistry().resolve(web(url=secured.url, **LOGIN), "v1")

    @pytest.mark.parametrize("password", [f"{USER}:wrong", f"eve:{PASSWORD}"])
    async def test_a_wrong_login_is_told_without_the_password(
        self, secured: RegistryServer, authority: Authority, monkeypatch: pytest.MonkeyPatch, password: str
    ) -> None:
        monkeypatch.setenv("REGISTRY_LOGIN", password)
        with pytest.raises(AdapterError, match="check user and password in the variable REGISTRY_LOGIN") as refused:
            await DockerRegistry().resolve(web(url=secured.url, ca=str(authority.file), **LOGIN), "v1")
        assert password.partition(":")[2] not in str(refused.value)

    async def test_without_a_login_one_is_asked_for(self, secured: RegistryServer, authority: Authority) -> None:
        with pytest.raises(AdapterError, match=r"asks for a login; name the variable"):
            await DockerRegistry().resolve(web(url=secured.url, ca=str(authority.file)), "v1")


class TestWithoutARegistry:
    @pytest.mark.parametrize("url", ["http://registry.example.org", "ftp://127.0.0.1", "registry", "http://10.0.0.1:5000"])
    async def test_plain_http_goes_to_this_machine_only(self, url: str) -> None:
        with pytest.raises(AdapterError):
            await DockerRegistry().resolve(web(url=url), "v1")

    async def test_a_variable_that_is_not_set_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("REGISTRY_LOGIN", raising=False)
        with pytest.raises(AdapterError, match="set the variable REGISTRY_LOGIN to USER:PASSWORD"):
            await DockerRegistry().access(web(url="https://registry.example.org", **LOGIN))

    async def test_a_certificate_file_that_is_not_there_is_named(self) -> None:
        with pytest.raises(AdapterError, match=r"nowhere\.pem cannot be read"):
            await DockerRegistry().resolve(web(url="https://127.0.0.1:1", ca="/nowhere.pem"), "v1")

    async def test_nobody_there_is_told(self) -> None:
        with pytest.raises(AdapterError, match=r"cannot be reached .*see that it runs"):
            await DockerRegistry().resolve(web(url=f"http://127.0.0.1:{free_port()}"), "v1")
