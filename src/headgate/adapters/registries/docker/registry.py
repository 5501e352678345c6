"""The registry itself. What it says of a digest is never believed: content is fetched, and hashed here."""

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from headgate.adapters.docker_images import DockerImages
from headgate.adapters.registries.docker.client import PATIENCE, Answer, RegistryClient, reason
from headgate.adapters.registries.docker.settings import Server, checked, server_of
from headgate.model.images import DIGEST, TAG, Repository
from headgate.ports import Access, AdapterError

KINDS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
ACCEPT = {"Accept": ", ".join(KINDS)}
AT_ONCE = 8  # requests
PAGE = 1000  # tags


class DockerRegistry:
    def __init__(self, engine: DockerImages | None = None, patience: timedelta = PATIENCE) -> None:
        self._client = RegistryClient(patience)
        self._engine = engine or DockerImages()

    async def access(self, repository: Repository) -> Access:
        server = server_of(repository.settings)
        user, password = server.login() or ("", "")
        return Access(f"{server.host}/{checked(repository)}", user, password)

    async def push(self, image: str, repository: Repository, tag: str) -> str:
        name, server = checked(repository, tag), server_of(repository.settings)
        said = await self._engine.push(image, await self.access(repository), tag)
        found = await self._manifest(server, name, tag)
        where = f"{server.host}/{name}:{tag}"
        if found is None:
            raise AdapterError(f"registry {server} took {where} and does not have it; {_distrust(server)}")
        content, digest = _parsed(server, found.body), hashed(found.body)
        if digest != said or image not in (digest, content.get("config", {}).get("digest")):
            held = f"{where} was pushed as {said} and read back as {digest}"
            raise AdapterError(f"registry {server} has something else than was pushed: {held}; {_distrust(server)}")
        await self._has_blobs(server, name, content)
        return digest

    async def tag(self, repository: Repository, digest: str, tag: str) -> None:
        name, server = checked(repository, tag), server_of(repository.settings)
        found = await self._manifest(server, name, digest)
        if found is None:
            raise AdapterError(f"registry {server} has no image {name}@{digest}")
        kind = {"Content-Type": found.headers.get("Content-Type", KINDS[2])}
        answer = await self._ask(server, "PUT", f"/v2/{name}/manifests/{tag}", name, kind, found.body)
        _expect(server, answer, f"tag {name}:{tag}", 200, 201, 202)

    async def resolve(self, repository: Repository, tag: str) -> str | None:
        found = await self._manifest(server_of(repository.settings), checked(repository, tag), tag)
        return hashed(found.body) if found else None

    async def exists(self, repository: Repository, digest: str) -> bool:
        return await self._manifest(server_of(repository.settings), checked(repository), digest) is not None

    async def delete(self, repository: Repository, digest: str) -> None:
        name, server = checked(repository), server_of(repository.settings)
        if not DIGEST.fullmatch(digest):
            raise AdapterError(f"{digest!r} is not a digest: images are deleted by digest only")
        answer = await self._ask(server, "DELETE", f"/v2/{name}/manifests/{digest}", name, {})
        if answer.status == 405:
            remedy = "allow it there (registry:2: REGISTRY_STORAGE_DELETE_ENABLED=true)"
            raise AdapterError(f"registry {server} deletes nothing; {remedy}")
        _expect(server, answer, f"delete {name}@{digest}", 200, 202, 404)

    async def tags(self, repository: Repository) -> dict[str, str]:
        server = server_of(repository.settings)
        names = await self._names(server, checked(repository))
        gate = asyncio.Semaphore(AT_ONCE)

        async def digest_of(name: str) -> str | None:
            async with gate:
                return await self.resolve(repository, name)

        found = await asyncio.gather(*map(digest_of, names))
        return {name: digest for name, digest in zip(names, found, strict=True) if digest}

    async def _names(self, server: Server, name: str) -> list[str]:
        names: list[str] = []
        path = f"/v2/{name}/tags/list?n={PAGE}"
        while path:
            answer = await self._ask(server, "GET", path, name, {})
            if answer.status == 404:
                return names
            _expect(server, answer, f"list the tags of {name}", 200)
            listed = _parsed(server, answer.body).get("tags") or []
            names += [str(one) for one in listed if isinstance(one, str)]
            path = _next_page(answer, name) if listed else ""
        return names

    async def _manifest(self, server: Server, name: str, reference: str) -> Answer | None:
        """By tag or digest, its content compared with every digest that is claimed for it. None: not there."""
        answer = await self._ask(server, "GET", f"/v2/{name}/manifests/{reference}", name, ACCEPT)
        if answer.status == 404:
            return None
        _expect(server, answer, f"read {name}:{reference}", 200)
        digest = hashed(answer.body)
        claimed = answer.headers.get("Docker-Content-Digest", digest)
        wanted = reference if DIGEST.fullmatch(reference) else digest
        if not digest == claimed == wanted:
            told = claimed if claimed != digest else wanted
            raise AdapterError(f"registry {server} says {name} is {told}, and sends {digest}; {_distrust(server)}")
        return answer

    async def _has_blobs(self, server: Server, name: str, manifest: dict[str, Any]) -> None:
        """What the manifest consists of is there too."""
        parts = [manifest["config"], *manifest.get("layers", [])] if "config" in manifest else []
        for digest in dict.fromkeys(str(part.get("digest")) for part in parts):
            answer = await self._ask(server, "HEAD", f"/v2/{name}/blobs/{digest}", name, {})
            if answer.status not in (200, 307, 302):  # some send one on to where blobs are kept
                raise AdapterError(f"registry {server} took {name} and does not have its part {digest}; push it again")

    async def _ask(
        self, server: Server, method: str, path: str, name: str, headers: dict[str, str], data: bytes | None = None
    ) -> Answer:
        allowed = {"PUT": "pull,push", "DELETE": "delete"}.get(method, "pull")
        return await self._client.ask(server, method, path, f"repository:{name}:{allowed}", headers, data)


def hashed(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _expect(server: Server, answer: Answer, what: str, *statuses: int) -> None:
    if answer.status not in statuses:
        full = "; its disk may be full" if answer.status in (500, 507) else ""
        raise AdapterError(f"registry {server} would not {what}: {reason(answer)}{full}")


def _parsed(server: Server, body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise AdapterError(f"what answers at {server} is no registry: {body[:80]!r}")
    return content


def _next_page(answer: Answer, name: str) -> str:
    """`Link: </v2/NAME/tags/list?last=x&n=1000>; rel="next"`: only the place to go on from is taken."""
    link = answer.headers.get("Link", "")
    last = parse_qs(urlsplit(link.partition("<")[2].partition(">")[0]).query).get("last", [""])[0]
    return f"/v2/{name}/tags/list?n={PAGE}&last={last}" if TAG.fullmatch(last) else ""


def _distrust(server: Server) -> str:
    return f"nothing from it is deployed: find out who answers at {server}"
