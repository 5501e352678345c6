"""Kubernetes' adapter against an HTTPS server that speaks the documented API (kubernetes_server.py): no cluster."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from tests.adapters.registries.authority import Authority
from tests.adapters.secrets.kubernetes_server import TOKEN, KubernetesServer, trusted

from headgate.adapters.secrets.kubernetes.store import KubernetesStore
from headgate.model.secrets import SecretRules
from headgate.ports import Unusable
from headgate.testing.contracts import secrets
from headgate.testing.contracts.secrets import CANARY, refusal


class KubernetesStage:
    values = (f"{CANARY} with = \"quotes\" and ünïcode", f"{CANARY}\nline two\n", " ")

    def __init__(self, cluster: KubernetesServer, server: TestServer, ca: Path) -> None:
        self.cluster, self.server = cluster, server
        self.store = KubernetesStore()
        self.settings = {"url": str(server.make_url("")).rstrip("/"), "ca": str(ca), "namespace": "shop"}
        self.rules = SecretRules("kubernetes", {**self.settings, "token_from": "KUBERNETES_TEST_TOKEN"})

    def reference(self, name: str) -> str:
        return name

    async def write(self, name: str, value: str) -> str:
        self.cluster.write("shop", name, {"value": value.encode()})
        return name

    async def go_blind(self) -> None:
        await self.server.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def stage(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KubernetesStage]:
    monkeypatch.setenv("KUBERNETES_TEST_TOKEN", TOKEN)
    cluster = KubernetesServer()
    server = TestServer(cluster.app(), host="127.0.0.1", scheme="https")
    await server.start_server(ssl=trusted(authority, tmp_path))
    yield KubernetesStage(cluster, server, authority.file)
    await server.close()


class TestKubernetes(secrets.SecretStoreContract):
    @pytest.fixture
    def stage(self, stage: KubernetesStage) -> KubernetesStage:  # type: ignore[override]
        return stage


async def test_a_key_and_a_namespace_choose(stage: KubernetesStage) -> None:
    stage.cluster.write("other", "db", {"user": b"shop", "password": CANARY.encode()})
    assert (await stage.store.get("other/db#password", stage.rules)).value == CANARY
    assert "password" in str(await refusal(stage.store.get("other/db#pasword", stage.rules), Unusable))


async def test_a_version_is_told_without_the_value(stage: KubernetesStage) -> None:
    await stage.write("db", CANARY)
    await stage.store.version("db", stage.rules)
    assert all("PartialObjectMetadata" in one.headers["Accept"] for one in stage.cluster.requests)


async def test_an_object_that_was_made_anew_is_another_version(stage: KubernetesStage) -> None:
    await stage.write("db", CANARY)
    first = await stage.store.version("db", stage.rules)
    stage.cluster.objects.clear()
    stage.cluster.revision -= 1
    await stage.write("db", CANARY)
    assert await stage.store.version("db", stage.rules) != first


async def test_who_may_not_read_is_told_the_rule_to_write(stage: KubernetesStage) -> None:
    await stage.write("db", CANARY)
    stage.cluster.forbidden = {"get", "list"}
    error = str(await refusal(stage.store.get("db", stage.rules)))
    assert "resourceNames: [db], verbs: [get]" in error
    assert TOKEN not in error


async def test_near_names_are_shown_where_they_may_be_listed(stage: KubernetesStage) -> None:
    await stage.write("database", CANARY)
    assert "; there is database" in str(await refusal(stage.store.get("databse", stage.rules), Unusable))
    stage.cluster.forbidden = {"list"}
    assert "; there is" not in str(await refusal(stage.store.get("databse", stage.rules), Unusable))


async def test_a_token_that_ran_out_is_no_answer(stage: KubernetesStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_TEST_TOKEN", "old-token")
    error = await refusal(stage.store.get("db", stage.rules))
    assert not isinstance(error, Unusable)
    assert "renew the token" in str(error)


async def test_bytes_are_refused_unseen(stage: KubernetesStage) -> None:
    stage.cluster.write("shop", "key", {"value": CANARY.encode() + b"\xff\xfe"})
    assert "UTF-8" in str(await refusal(stage.store.get("key", stage.rules), Unusable))


async def test_a_certificate_of_another_authority_is_refused(stage: KubernetesStage) -> None:
    rules = SecretRules("kubernetes", {"url": stage.settings["url"], "token_from": "KUBERNETES_TEST_TOKEN"})
    assert "name its file as `ca`" in str(await refusal(stage.store.get("db", rules)))


async def test_a_pod_is_let_in_by_its_service_account(
    stage: KubernetesStage, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.write("db", CANARY)
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text(TOKEN)
    (account / "namespace").write_text("shop")
    (account / "ca.crt").write_bytes(authority.file.read_bytes())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(stage.server.port))
    assert (await KubernetesStore(account).get("db", SecretRules("kubernetes"))).value == CANARY


async def test_outside_of_a_pod_an_address_is_needed(
    stage: KubernetesStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert "write url" in str(await refusal(stage.store.get("db", SecretRules("kubernetes"))))


async def test_a_token_file_that_others_can_read_is_refused(stage: KubernetesStage, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    rules = SecretRules("kubernetes", {**stage.settings, "token_file": str(file)})
    assert f"chmod 600 {file}" in str(await refusal(stage.store.get("db", rules)))
    await stage.write("db", CANARY)
    file.chmod(0o600)
    assert (await stage.store.get("db", rules)).value == CANARY
