"""Secrets Manager and Parameter Store on moto, on loopback."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.aws import CREDENTIALS, Aws, emptied, moto_server

from headgate import bootstrap
from headgate.adapters.aws import AwsClient, Refused
from headgate.adapters.secrets.aws.parameters import ParameterStore
from headgate.adapters.secrets.aws.secrets_manager import AwsSecretStore
from headgate.engine.reaching import check
from headgate.engine.world import World
from headgate.model.secrets import SecretRules
from headgate.ports import AdapterError, Unusable
from headgate.testing.contracts import secrets
from headgate.testing.contracts.secrets import CANARY, refusal
from headgate.testing.fakes.source import FakeSource

EXAMPLE = Path(__file__).parents[3] / "examples" / "pcw"
REGION = "eu-west-1"
NOWHERE = "http://127.0.0.1:9"  # discard: nothing listens
AWKWARD = (f"{CANARY} with = \"quotes\" and ünïcode", f"{CANARY}\nline two\n")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def moto(server: str) -> str:
    return emptied(server)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where nothing listens, that is found out at once."""
    monkeypatch.setattr("headgate.adapters.aws.TRIES", 1)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@cache
def client(kind: str, endpoint: str) -> Any:
    """Made once: reading botocore's models takes longer than all that is asked here."""
    service = "ssm" if kind == "aws-ssm" else "secretsmanager"
    return boto3.client(service, region_name=REGION, endpoint_url=endpoint)


@cache
def store(kind: str) -> AwsSecretStore | ParameterStore:
    return ParameterStore() if kind == "aws-ssm" else AwsSecretStore()


class AwsStage:
    values = AWKWARD

    def __init__(self, kind: str, endpoint: str) -> None:
        self.rules = SecretRules(kind, {"region": REGION, "endpoint": endpoint})
        self.client, self.store = client(kind, endpoint), store(kind)

    def reference(self, name: str) -> str:
        return f"shop/{name}"

    async def go_blind(self) -> None:
        self.rules = SecretRules(self.rules.kind, {"region": REGION, "endpoint": NOWHERE})


class SecretsManagerStage(AwsStage):
    def __init__(self, endpoint: str) -> None:
        super().__init__("aws-secrets-manager", endpoint)

    async def write(self, name: str, value: str) -> str:
        reference = self.reference(name)
        try:
            self.client.put_secret_value(SecretId=reference, SecretString=value)
        except self.client.exceptions.ResourceNotFoundException:
            self.client.create_secret(Name=reference, SecretString=value)
        return reference


class ParameterStage(AwsStage):
    def __init__(self, endpoint: str) -> None:
        super().__init__("aws-ssm", endpoint)

    def reference(self, name: str) -> str:
        return f"/shop/{name}"

    async def write(self, name: str, value: str) -> str:
        self.client.put_parameter(Name=self.reference(name), Value=value, Type="SecureString", Overwrite=True)
        return self.reference(name)


@pytest.fixture
def manager(moto: str) -> SecretsManagerStage:
    return SecretsManagerStage(moto)


@pytest.fixture
def parameters(moto: str) -> ParameterStage:
    return ParameterStage(moto)


class TestSecretsManager(secrets.SecretStoreContract):
    @pytest.fixture
    def stage(self, manager: SecretsManagerStage) -> SecretsManagerStage:  # type: ignore[override]
        return manager


class TestParameters(secrets.SecretStoreContract):
    @pytest.fixture
    def stage(self, parameters: ParameterStage) -> ParameterStage:  # type: ignore[override]
        return parameters


async def test_the_current_stage_is_what_counts_wherever_it_was_moved(manager: SecretsManagerStage) -> None:
    """After a stage was moved back by hand: moto itself answers with the wrong version unless the stage is named."""
    reference = await manager.write("db", f"{CANARY}-1")
    first = await manager.store.version(reference, manager.rules)
    await manager.write("db", f"{CANARY}-2")
    second = await manager.store.version(reference, manager.rules)
    moved = {"VersionStage": "AWSCURRENT", "MoveToVersionId": first, "RemoveFromVersionId": second}
    manager.client.update_secret_version_stage(SecretId=reference, **moved)
    assert await manager.store.version(reference, manager.rules) == first
    assert (await manager.store.get(reference, manager.rules)).value == f"{CANARY}-1"


async def test_a_pending_rotation_is_not_current_yet(manager: SecretsManagerStage) -> None:
    reference = await manager.write("db", f"{CANARY}-1")
    first = await manager.store.version(reference, manager.rules)
    manager.client.put_secret_value(SecretId=reference, SecretString="later", VersionStages=["AWSPENDING"])
    assert await manager.store.version(reference, manager.rules) == first
    assert (await manager.store.get(reference, manager.rules)).value == f"{CANARY}-1"


async def test_a_key_chooses_one_of_several(manager: SecretsManagerStage) -> None:
    reference = await manager.write("db", json.dumps({"user": "shop", "password": CANARY, "port": 5432}))
    assert (await manager.store.get(f"{reference}#password", manager.rules)).value == CANARY
    assert (await manager.store.get(f"{reference}#port", manager.rules)).value == "5432"
    error = str(await refusal(manager.store.get(f"{reference}#pasword", manager.rules), Unusable))
    assert "password" in error
    await manager.write("db", CANARY)
    assert "no JSON object" in str(await refusal(manager.store.get(f"{reference}#password", manager.rules), Unusable))


async def test_an_arn_is_a_reference_too(manager: SecretsManagerStage) -> None:
    await manager.write("db", CANARY)
    arn = manager.client.describe_secret(SecretId="shop/db")["ARN"]
    assert (await manager.store.get(arn, manager.rules)).value == CANARY


async def test_near_names_are_shown(manager: SecretsManagerStage, parameters: ParameterStage) -> None:
    await manager.write("database", CANARY)
    assert "; there is shop/database" in str(await refusal(manager.store.get("shop/databse", manager.rules), Unusable))
    await parameters.write("database", CANARY)
    error = await refusal(parameters.store.get("/shop/databse", parameters.rules), Unusable)
    assert "; there is /shop/database" in str(error)


async def test_bytes_are_refused_unseen(manager: SecretsManagerStage) -> None:
    manager.client.create_secret(Name="shop/bytes", SecretBinary=CANARY.encode())
    assert "base64" in str(await refusal(manager.store.get("shop/bytes", manager.rules), Unusable))


async def test_what_is_to_be_deleted_is_gone(manager: SecretsManagerStage) -> None:
    reference = await manager.write("db", CANARY)
    manager.client.delete_secret(SecretId=reference)
    for asked in (manager.store.get(reference, manager.rules), manager.store.version(reference, manager.rules)):
        assert "restore" in str(await refusal(asked, Unusable))


async def test_a_plain_parameter_is_read_too(parameters: ParameterStage) -> None:
    parameters.client.put_parameter(Name="/shop/level", Value="debug", Type="String")
    assert (await parameters.store.get("/shop/level", parameters.rules)).value == "debug"


async def test_a_parameters_version_is_told_without_decrypting(
    parameters: ParameterStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    call = AwsClient.call

    async def watched(client: AwsClient, settings: Any, verb: str, **what: Any) -> dict[str, Any]:
        asked.append(what)
        return await call(client, settings, verb, **what)

    monkeypatch.setattr(AwsClient, "call", watched)
    reference = await parameters.write("db", CANARY)
    assert (await parameters.store.version(reference, parameters.rules)).startswith("1@")
    assert [one["WithDecryption"] for one in asked] == [False]


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("manager", "AccessDeniedException", "allow secretsmanager:GetSecretValue on shop/db"),
        ("manager", "DecryptionFailure", "allow kms:Decrypt"),
        ("manager", "ThrottlingException", "asked too often"),
        ("parameters", "AccessDeniedException", "allow ssm:GetParameter on parameter/shop/db"),
        ("parameters", "InvalidKeyId", "kms:Decrypt"),
    ],
)
async def test_who_may_not_is_told_what_to_allow(
    kind: str, code: str, said: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto refuses nobody: what AWS answers then is put in its place."""

    async def refuse(client: AwsClient, settings: Any, verb: str, **what: Any) -> dict[str, Any]:
        remedy = "; it is asked too often, and will be again" if "Throttling" in code else ""
        raise Refused(f"refused {verb}: {code}{remedy}", code)

    stage: AwsStage = request.getfixturevalue(kind)
    monkeypatch.setattr(AwsClient, "call", refuse)
    error = await refusal(stage.store.get("shop/db", stage.rules))
    assert not isinstance(error, Unusable)
    assert said in str(error)


async def test_a_region_is_needed(manager: SecretsManagerStage) -> None:
    with pytest.raises(AdapterError, match="region"):
        await manager.store.get("shop/db", SecretRules("aws-secrets-manager"))


async def test_a_profile_that_is_not_there_is_named(manager: SecretsManagerStage) -> None:
    rules = SecretRules("aws-secrets-manager", {**manager.rules.settings, "profile": "nobody"})
    assert "nobody" in str(await refusal(manager.store.get("shop/db", rules)))


async def test_the_examples_production_finds_its_database(aws: Aws) -> None:
    """By the file as it stands: where AWS is, the server's own environment says."""
    text = (EXAMPLE / "governed.yaml").read_text()
    world = World({}, {}, {}, FakeSource(), EXAMPLE, secrets={"aws-secrets-manager": AwsSecretStore()})
    asked = (world, text, "governed.yaml", str(EXAMPLE), bootstrap.present(), "production")
    (missing,) = (await check(*asked))["secrets"]
    assert missing["problem"].startswith("secret pcw/production/database#url of environments.production.services.")
    assert "has no secret pcw/production/database with a value" in missing["problem"]
    version = aws.make("pcw/production/database", url=f"sqlite:////{CANARY}.db")
    (found,) = (await check(*asked))["secrets"]
    assert (found["version"], found["problem"]) == (version, "")
    assert found["variables"] == ["quotes.DATABASE_URL"]
