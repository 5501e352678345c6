"""Vault's adapter against a server that speaks the documented API (vault_server.py): no real Vault runs here."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from tests.adapters.secrets.vault_server import JWT, ROLE, SECRET_ID, TOKEN, VaultServer

from headgate.adapters.secrets.vault.login import Login
from headgate.adapters.secrets.vault.store import VaultStore
from headgate.model.secrets import SecretRules
from headgate.ports import AdapterError, Unusable
from headgate.testing.contracts import secrets
from headgate.testing.contracts.secrets import CANARY, refusal

LATER = (datetime.now(UTC) + timedelta(hours=1)).isoformat()


class VaultStage:
    values = (f"{CANARY} with = \"quotes\" and ünïcode", f"{CANARY}\nline two\n", " ")

    def __init__(self, vault: VaultServer, server: TestServer) -> None:
        self.vault, self.server = vault, server
        self.store = VaultStore()
        self.url = str(server.make_url("")).rstrip("/")
        self.rules = self.with_settings(token_from="VAULT_TEST_TOKEN")

    def with_settings(self, **settings: str) -> SecretRules:
        return SecretRules("vault", {"url": self.url, "mount": "secret", **settings})

    def reference(self, name: str) -> str:
        return f"shop/{name}"

    async def write(self, name: str, value: str) -> str:
        self.vault.write(f"shop/{name}", {"value": value})
        return self.reference(name)

    async def go_blind(self) -> None:
        await self.server.close()


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("VAULT_SECRET_ID", SECRET_ID)


@pytest.fixture
async def stage() -> AsyncIterator[VaultStage]:
    vault = VaultServer()
    async with TestServer(vault.app(), host="127.0.0.1") as server:
        yield VaultStage(vault, server)


class TestVault(secrets.SecretStoreContract):
    @pytest.fixture
    def stage(self, stage: VaultStage) -> VaultStage:  # type: ignore[override]
        return stage


async def test_a_key_chooses_one_of_several(stage: VaultStage) -> None:
    stage.vault.write("shop/db", {"user": "shop", "password": CANARY, "port": 5432})
    assert (await stage.store.get("shop/db#password", stage.rules)).value == CANARY
    assert (await stage.store.get("shop/db#port", stage.rules)).value == "5432"
    assert "password" in str(await refusal(stage.store.get("shop/db#pasword", stage.rules), Unusable))
    assert "3 keys" in str(await refusal(stage.store.get("shop/db", stage.rules), Unusable))


async def test_a_version_is_told_without_the_value(stage: VaultStage) -> None:
    reference = await stage.write("db", CANARY)
    assert (await stage.store.version(reference, stage.rules)).startswith("1@")
    assert [one.path for one in stage.vault.requests] == ["/v1/secret/metadata/shop/db"]


async def test_a_policy_that_grants_the_data_alone_is_enough(stage: VaultStage) -> None:
    reference = await stage.write("db", CANARY)
    stage.vault.denied = {"metadata"}
    found = await stage.store.get(reference, stage.rules)
    assert await stage.store.version(reference, stage.rules) == found.version


async def test_who_may_not_read_is_told_the_policy_to_write(stage: VaultStage) -> None:
    reference = await stage.write("db", CANARY)
    stage.vault.denied = {"data", "metadata", "list"}
    error = str(await refusal(stage.store.get(reference, stage.rules)))
    assert 'path "secret/data/shop/db" { capabilities = ["read"] }' in error
    assert TOKEN not in error  # which the server repeats


async def test_near_names_are_shown_where_they_may_be_listed(stage: VaultStage) -> None:
    await stage.write("database", CANARY)
    assert "shop/database" in str(await refusal(stage.store.get("shop/databse", stage.rules), Unusable))
    stage.vault.denied = {"list"}
    assert "shop/database" not in str(await refusal(stage.store.get("shop/databse", stage.rules), Unusable))


async def test_deleted_and_destroyed_versions_are_gone_and_scheduled_ones_are_not(stage: VaultStage) -> None:
    reference = await stage.write("db", CANARY)
    current = stage.vault.secrets["shop/db"][0]
    first = await stage.store.version(reference, stage.rules)
    current.deleted = "2020-01-01T00:00:00.123456789Z"
    for asked in (stage.store.get(reference, stage.rules, first), stage.store.version(reference, stage.rules)):
        assert "deleted" in str(await refusal(asked, Unusable))
    current.deleted = LATER
    assert await stage.store.version(reference, stage.rules) == first


async def test_a_secret_that_was_made_anew_is_not_the_one_it_was(stage: VaultStage) -> None:
    reference = await stage.write("db", CANARY)
    first = await stage.store.version(reference, stage.rules)
    stage.vault.secrets.clear()
    stage.vault.write("shop/db", {"value": "another"})
    stage.vault.secrets["shop/db"][0].created = "2031-01-01T00:00:00Z"
    assert await stage.store.version(reference, stage.rules) != first
    assert "anew" in str(await refusal(stage.store.get(reference, stage.rules, first), Unusable))


async def test_an_app_role_logs_in_once_and_again_when_its_token_is_revoked(stage: VaultStage) -> None:
    reference = await stage.write("db", CANARY)
    rules = stage.with_settings(role_id=ROLE, secret_id_from="VAULT_SECRET_ID")
    for _ in range(3):
        assert (await stage.store.get(reference, rules)).value == CANARY
    assert stage.vault.logins == 1
    stage.vault.tokens.clear()
    assert (await stage.store.get(reference, rules)).value == CANARY
    assert stage.vault.logins == 2


async def test_a_pod_logs_in_with_its_service_account(stage: VaultStage, tmp_path: Path) -> None:
    reference = await stage.write("db", CANARY)
    (tmp_path / "token").write_text(JWT)
    store = VaultStore(Login(tmp_path / "token"))
    assert (await store.get(reference, stage.with_settings(kubernetes_role=ROLE))).value == CANARY
    nowhere = VaultStore(Login(tmp_path / "nothing"))
    assert "no pod" in str(await refusal(nowhere.get(reference, stage.with_settings(kubernetes_role=ROLE))))


async def test_a_wrong_login_does_not_show_its_secret(stage: VaultStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_SECRET_ID", "wrong-secret-id")
    rules = stage.with_settings(role_id=ROLE, secret_id_from="VAULT_SECRET_ID")
    error = str(await refusal(stage.store.get("shop/db", rules)))
    assert "auth/approle" in error
    assert "wrong-secret-id" not in error


async def test_a_namespace_goes_with_every_question(stage: VaultStage) -> None:
    reference = await stage.write("db", CANARY)
    await stage.store.get(reference, stage.with_settings(token_from="VAULT_TEST_TOKEN", namespace="team/shop"))
    assert stage.vault.requests[-1].headers["X-Vault-Namespace"] == "team/shop"


async def test_a_sealed_vault_is_no_answer(stage: VaultStage) -> None:
    reference = await stage.write("db", CANARY)
    stage.vault.sealed = True
    error = await refusal(stage.store.get(reference, stage.rules))
    assert not isinstance(error, Unusable)
    assert "unseal" in str(error)


async def test_plain_http_leaves_this_machine_never(stage: VaultStage) -> None:
    rules = SecretRules("vault", {"url": "http://vault.example.org", "token_from": "VAULT_TEST_TOKEN"})
    assert "https" in str(await refusal(stage.store.get("shop/db", rules), AdapterError))


async def test_a_token_that_is_not_set_is_named(stage: VaultStage) -> None:
    rules = stage.with_settings(token_from="VAULT_UNSET")
    assert "VAULT_UNSET" in str(await refusal(stage.store.get("shop/db", rules)))
