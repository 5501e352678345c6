"""POST /api/secrets/check: each secret of a file with its version, or what keeps it from being read."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.web.world import PRESENT, TOKEN, Shop, applying, client

from headgate.testing.fakes.secrets import FakeSecrets
from headgate.web.api import create
from headgate.web.tokens import ALLOWED

VALUE = "canary-7f3a9c1e"
FILE = """\
application: shop
secrets:
  vault: {url: "https://vault.example.org", token_from: VAULT_TOKEN}
services:
  web:
    build: .
    command: [serve]
    port: 8000
    env: {DATABASE: {secret: shop/db}, REPLICA: {secret: shop/db}}
environments:
  staging: {platform: process}
  production:
    platform: process
    secrets: {aws-ssm: {region: eu-west-1}}
    env:
      DATABASE: {secret: /shop/db, store: aws-ssm}
      REPLICA: {secret: shop/replica, store: vault}
  quiet:
    platform: process
    env: {DATABASE: none, REPLICA: none}
"""


@pytest.fixture
def stores(shop: Shop) -> dict[str, FakeSecrets]:
    made = {"vault": FakeSecrets(), "aws-ssm": FakeSecrets()}
    made["vault"].write("shop/db", f"{VALUE}-1")
    made["aws-ssm"].write("/shop/db", f"{VALUE}-2")
    made["aws-ssm"].write("/shop/db", f"{VALUE}-3")
    shop.engine.world.secrets.update(made)  # type: ignore[attr-defined]
    return made


@pytest.fixture
async def asking(shop: Shop, stores: dict[str, FakeSecrets]) -> AsyncIterator[httpx.AsyncClient]:
    async with client(create(shop.engine, TOKEN, {**PRESENT, "secrets": set(stores)})) as ask:
        yield ask


async def checked(ask: httpx.AsyncClient, text: str = FILE, **more: Any) -> dict[str, Any]:
    answer = await ask.post("/api/secrets/check", json=applying(text, **more))
    assert VALUE not in answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_each_with_its_version_or_its_problem(asking: httpx.AsyncClient) -> None:
    found = await checked(asking)
    rows = {(one["environment"], one["secret"]): one for one in found["secrets"]}
    assert rows.keys() == {("staging", "shop/db"), ("production", "/shop/db"), ("production", "shop/replica")}
    one = rows["staging", "shop/db"]
    assert (one["version"], one["store"], one["problem"]) == ("1", "vault", "")
    assert one["variables"] == ["web.DATABASE", "web.REPLICA"]
    assert rows["production", "/shop/db"]["version"] == "2"
    missing = rows["production", "shop/replica"]
    assert (missing["version"], missing["from"]) == ("", "environments.production.env (headgate.yaml:17)")
    assert missing["problem"].endswith("(headgate.yaml:17): there is no secret shop/replica")
    assert found["unused"] == [{"environment": "quiet", "store": "vault"}]


async def test_a_version_that_is_told_is_not_enough(asking: httpx.AsyncClient, stores: dict[str, FakeSecrets]) -> None:
    """Who starts a process has to read the value."""
    stores["vault"].unreadable = "allow read on secret/data/shop/db"
    (one,) = (await checked(asking, environment="staging"))["secrets"]
    assert "cannot be read: allow read on secret/data/shop/db" in one["problem"]


async def test_a_value_that_no_process_can_be_given_is_told(
    asking: httpx.AsyncClient, stores: dict[str, FakeSecrets]
) -> None:
    stores["vault"].write("shop/db", f"{VALUE}\0")
    (one,) = (await checked(asking, environment="staging"))["secrets"]
    assert "zero byte" in one["problem"]


async def test_by_reference_the_version_is_all_that_is_asked(
    shop: Shop, asking: httpx.AsyncClient, stores: dict[str, FakeSecrets]
) -> None:
    shop.engine.world.by_reference["process"] = {"vault"}  # type: ignore[index]
    stores["vault"].unreadable = "permission denied"
    (one,) = (await checked(asking, environment="staging"))["secrets"]
    assert (one["version"], one["by_reference"], one["problem"]) == ("1", True, "")
    assert stores["vault"].read == []


async def test_what_is_no_file_or_environment_is_refused(asking: httpx.AsyncClient) -> None:
    assert (await checked(asking, "application: 3"))["error"]["problems"]
    answer = await checked(asking, environment="qa")
    assert "there is no environment 'qa'; known: staging, production, quiet" in answer["error"]["what"]


def test_a_persons_token_asks_for_no_file_of_its_own() -> None:
    """Whoever may have any file checked may look for any secret of the stores."""
    assert not ALLOWED.fullmatch("POST /api/secrets/check")
