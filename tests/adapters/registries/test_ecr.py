"""ECR's API on moto, on loopback. moto has no registry behind it: the push itself is made through the API here."""

import hashlib
import json
from collections.abc import Iterator

import boto3
import pytest
from tests.aws import CREDENTIALS, emptied, moto_server

from headgate.adapters.docker_images import DockerImages
from headgate.adapters.registries.ecr.registry import EcrRegistry
from headgate.model.images import Repository
from headgate.ports import Access, AdapterError
from headgate.testing.contracts import registries


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def moto(server: str) -> str:
    return emptied(server)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def manifest(image: str) -> str:
    """`image`: the digest of its configuration, as an engine names it."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": {"digest": image, "size": 1}, "layers": []})


class ThroughTheApi(DockerImages):
    """Pushes a manifest as ECR would get it from an engine."""

    def __init__(self, endpoint: str, region: str) -> None:
        super().__init__()
        self.client = boto3.client("ecr", region_name=region, endpoint_url=endpoint)
        self.accesses: list[Access] = []
        self.says = ""  # another digest than the true one

    async def push(self, image: str, access: Access, tag: str) -> str:
        self.accesses.append(access)
        name, text = access.name.partition("/")[2], manifest(image)
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        self.client.put_image(repositoryName=name, imageManifest=text, imageTag=tag, imageDigest=digest)
        return self.says or digest


class EcrStage:
    def __init__(self, endpoint: str) -> None:
        region = "eu-west-1"
        self.engine = ThroughTheApi(endpoint, region)
        self.registry = EcrRegistry(self.engine)
        self.settings = {"region": region, "endpoint": endpoint}
        self.web = Repository("shop/web", self.settings)

    async def image(self, content: str) -> str:
        return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


@pytest.fixture
def stage(moto: str) -> EcrStage:
    return EcrStage(moto)


class TestContract(registries.RegistryContract):
    @pytest.fixture
    def stage(self, moto: str) -> EcrStage:
        return EcrStage(moto)


async def test_a_repository_is_made_on_demand_with_tags_that_stay(stage: EcrStage) -> None:
    for content, tag in (("one", "v1"), ("two", "v2")):
        await stage.registry.push(await stage.image(content), stage.web, tag)
    (made,) = stage.engine.client.describe_repositories()["repositories"]
    assert (made["repositoryName"], made["imageTagMutability"]) == ("shop/web", "IMMUTABLE")
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    policy = json.loads(stage.engine.client.get_lifecycle_policy(repositoryName="shop/web")["lifecyclePolicyText"])
    assert [rule["selection"]["tagStatus"] for rule in policy["rules"]] == ["untagged"]


async def test_one_that_was_set_up_by_hand_stays_as_it_is(stage: EcrStage) -> None:
    stage.engine.client.create_repository(repositoryName="shop/web", imageTagMutability="MUTABLE")
    await stage.registry.push(await stage.image("one"), stage.web, "v1")
    (found,) = stage.engine.client.describe_repositories()["repositories"]
    assert found["imageTagMutability"] == "MUTABLE"
    with pytest.raises(stage.engine.client.exceptions.LifecyclePolicyNotFoundException):
        stage.engine.client.get_lifecycle_policy(repositoryName="shop/web")


async def test_a_tag_is_not_moved(stage: EcrStage) -> None:
    one = await stage.registry.push(await stage.image("one"), stage.web, "v1")
    two = await stage.registry.push(await stage.image("two"), stage.web, "v2")
    with pytest.raises(AdapterError, match="names another image already, and its tags cannot be moved"):
        await stage.registry.tag(stage.web, two, "v1")
    await stage.registry.tag(stage.web, one, "v1")
    assert await stage.registry.tags(stage.web) == {"v1": one, "v2": two}


async def test_the_engine_is_given_a_login(stage: EcrStage) -> None:
    await stage.registry.push(await stage.image("one"), stage.web, "v1")
    (access,) = stage.engine.accesses
    assert access.name.startswith("123456789012.dkr.ecr.eu-west-1.")
    assert access.name.endswith(".amazonaws.com/shop/web")
    assert (access.user, bool(access.password)) == ("AWS", True)


async def test_another_account_is_named(stage: EcrStage) -> None:
    theirs = Repository("shop/web", {**stage.settings, "account": "000000000000"})
    assert (await stage.registry.access(theirs)).name.startswith("000000000000.dkr.ecr.")


async def test_what_is_read_back_must_be_what_was_pushed(stage: EcrStage) -> None:
    stage.engine.says = f"sha256:{'0' * 64}"
    with pytest.raises(AdapterError, match="ECR has something else than was pushed"):
        await stage.registry.push(await stage.image("one"), stage.web, "v1")


async def test_nobody_there_is_told() -> None:
    settings = {"region": "eu-west-1", "endpoint": "http://127.0.0.1:1"}
    with pytest.raises(AdapterError, match="check the AWS credentials and the network"):
        await EcrRegistry().resolve(Repository("shop/web", settings), "v1")


async def test_without_credentials_it_is_told(stage: EcrStage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(AdapterError, match=r"cannot be asked \(Unable to locate credentials\)"):
        await EcrRegistry().resolve(stage.web, "v1")


async def test_without_boto3_what_to_install_is_told(stage: EcrStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(AdapterError, match=r"needs boto3.*pip install 'headgate\[aws\]'"):
        await EcrRegistry().resolve(stage.web, "v1")
