"""The registry itself: AWS's API for everything but the push, which a container engine does with a login of ECR's."""

import hashlib
import json
from base64 import b64decode
from typing import Any
from urllib.parse import urlsplit

from headgate.adapters.aws import Refused
from headgate.adapters.docker_images import DockerImages
from headgate.adapters.registries.ecr.client import EcrClient
from headgate.model.images import DIGEST, Repository
from headgate.ports import Access, AdapterError

KINDS = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
]
UNTAGGED = 14  # days that an image without a tag stays: a push that broke off leaves some; ours all have a tag
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Headgate: what no tag names",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": UNTAGGED,
            },
            "action": {"type": "expire"},
        }
    ]
}


class EcrRegistry:
    def __init__(self, engine: DockerImages | None = None) -> None:
        self._ecr = EcrClient()
        self._engine = engine or DockerImages()

    async def access(self, repository: Repository) -> Access:
        """A login of twelve hours, asked for anew each time: it costs one request."""
        name, settings = _checked(repository), {k: v for k, v in repository.settings.items() if k != "account"}
        answer = await self._ecr.call(settings, "get_authorization_token") or {}
        try:
            data = answer["authorizationData"][0]
            user, _, password = b64decode(data["authorizationToken"]).decode().partition(":")
            host = str(urlsplit(data["proxyEndpoint"]).netloc)
        except (KeyError, IndexError, ValueError) as error:
            raise AdapterError(f"ECR in {repository.settings['region']} gave no login") from error
        account = repository.settings.get("account")
        host = f"{account}.{host.partition('.')[2]}" if account else host
        return Access(f"{host}/{name}", user, password)

    async def push(self, image: str, repository: Repository, tag: str) -> str:
        _checked(repository, tag)
        await self._exists_or_is_made(repository)
        there = await self._manifest(repository, {"imageTag": tag})
        if there is not None and _is(there, image):  # a tag that cannot be moved cannot be pushed again either
            return _hashed(there)
        said = await self._engine.push(image, await self.access(repository), tag)
        found = await self._manifest(repository, {"imageTag": tag})
        if found is None or _hashed(found) != said or not _is(found, image):
            read = _hashed(found) if found else "nothing"
            what = f"{repository.name}:{tag} was pushed as {said} and read back as {read}"
            raise AdapterError(f"ECR has something else than was pushed: {what}; nothing of it is deployed")
        return said

    async def tag(self, repository: Repository, digest: str, tag: str) -> None:
        _checked(repository, tag)
        manifest = await self._manifest(repository, {"imageDigest": digest})
        if manifest is None:
            raise AdapterError(f"ECR has no image {repository.name}@{digest}")
        try:
            named = {"imageManifest": manifest, "imageDigest": digest, "imageTag": tag}
            await self._ecr.call(repository.settings, "put_image", repositoryName=repository.name, **named)
        except Refused as error:
            if await self.resolve(repository, tag) == digest:
                return  # it was so already
            if error.code in ("ImageTagAlreadyExistsException", "ImageAlreadyExistsException"):
                what = f"{repository.name}:{tag} names another image already, and its tags cannot be moved"
                raise AdapterError(f"{what}; give the commit another version") from error
            raise

    async def resolve(self, repository: Repository, tag: str) -> str | None:
        _checked(repository, tag)
        found = await self._manifest(repository, {"imageTag": tag})
        return _hashed(found) if found is not None else None

    async def exists(self, repository: Repository, digest: str) -> bool:
        _checked(repository)
        found = await self._manifest(repository, {"imageDigest": digest})
        if found is not None and _hashed(found) != digest:
            what = f"ECR says {repository.name} is {digest}, and sends {_hashed(found)}"
            raise AdapterError(f"{what}; nothing of it is deployed")
        return found is not None

    async def delete(self, repository: Repository, digest: str) -> None:
        if not DIGEST.fullmatch(digest):
            raise AdapterError(f"{digest!r} is not a digest: images are deleted by digest only")
        asked = {"repositoryName": _checked(repository), "imageIds": [{"imageDigest": digest}]}
        answer = await self._ecr.call(repository.settings, "batch_delete_image", **asked) or {}
        for failure in answer.get("failures", []):
            if failure.get("failureCode") != "ImageNotFound":
                why = f"{failure.get('failureCode')} {failure.get('failureReason', '')}"
                raise AdapterError(f"ECR would not delete {repository.name}@{digest}: {why}")

    async def tags(self, repository: Repository) -> dict[str, str]:
        asked: dict[str, Any] = {"repositoryName": _checked(repository), "filter": {"tagStatus": "TAGGED"}}
        found: dict[str, str] = {}
        while True:
            answer = await self._ecr.call(repository.settings, "list_images", **asked) or {}
            found |= {one["imageTag"]: one["imageDigest"] for one in answer.get("imageIds", []) if "imageTag" in one}
            if not answer.get("nextToken"):
                return found
            asked["nextToken"] = answer["nextToken"]

    async def _manifest(self, repository: Repository, which: dict[str, str]) -> str | None:
        asked = {"repositoryName": _checked(repository), "imageIds": [which], "acceptedMediaTypes": KINDS}
        answer = await self._ecr.call(repository.settings, "batch_get_image", **asked) or {}
        images = answer.get("images", [])
        return str(images[0]["imageManifest"]) if images else None

    async def _exists_or_is_made(self, repository: Repository) -> None:
        """Only one that is made here gets our rules: what someone set up by hand stays as it is."""
        settings, name = repository.settings, repository.name
        if await self._ecr.call(settings, "describe_repositories", repositoryNames=[name]):
            return
        rules = {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}}
        try:
            await self._ecr.call(settings, "create_repository", repositoryName=name, **rules)
        except Refused as error:
            if error.code != "RepositoryAlreadyExistsException":
                raise
            return
        policy = json.dumps(LIFECYCLE)
        await self._ecr.call(settings, "put_lifecycle_policy", repositoryName=name, lifecyclePolicyText=policy)


def _checked(repository: Repository, tag: str | None = None) -> str:
    if problem := repository.problem(tag):
        raise AdapterError(problem)
    return repository.name


def _hashed(manifest: str) -> str:
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


def _is(manifest: str, image: str) -> bool:
    """Whether it is the manifest of an engine's image: known by its configuration's digest, or by its own."""
    try:
        configuration = json.loads(manifest).get("config", {}).get("digest")
    except (ValueError, AttributeError):
        return False
    return image in (configuration, _hashed(manifest))
