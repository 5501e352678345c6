"""Build, push, read back: one idempotent verb. Equal content is the image that is in the registry already."""

import asyncio
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

from headgate.adapters.docker_images import BuildFailed, DockerImages
from headgate.adapters.registries.images.context import write
from headgate.adapters.registries.images.records import Made, Records
from headgate.model.images import TAG, ImageMade, ImageOrder, RegistryRules, Repository, digest_of
from headgate.ports import Access, AdapterError, Registry, Unusable

LOOPBACK = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+)(?::\d+)?")
OUTSIDE = re.compile(r"outside the build context|[Nn]ot found in build context|failed to compute cache key|COPY failed")
HUB = "docker.io"
OCI = "org.opencontainers.image"


class Images:
    def __init__(self, folder: Path, registries: Mapping[str, Registry], engine: DockerImages | None = None) -> None:
        """`folder`: its own; what a build that was killed left there is swept out."""
        self._folder = folder
        self._records = Records(folder / "made")
        self._registries = registries
        self._engine = engine or DockerImages()
        self._making: dict[tuple[str, str], asyncio.Lock] = {}
        for left in folder.glob("*.tar"):
            left.unlink(missing_ok=True)

    async def make(self, order: ImageOrder) -> ImageMade:
        registry = self._registry(order.registry)
        repository = order.registry.repository(order.application, order.service)
        name = (await registry.access(repository)).name
        async with self._making.setdefault((name, order.content), asyncio.Lock()):
            made = await self._there(registry, repository, name, order.content)
            if new := made is None:
                made = await self._build_and_push(order, registry, repository)
                await asyncio.to_thread(self._records.keep, name, order.content, made)
        await _tagged(registry, repository, made.digest, _tags(order))
        return ImageMade(order.service, f"{name}@{made.digest}", made.digest, made.commit, new)

    async def pin(self, service: str, image: str, registry: RegistryRules) -> ImageMade:
        """In the application's own registry with its login, elsewhere without one; a digest is not looked for there."""
        host, path, tag = parts(image)
        own = self._registry(registry)
        here = Repository(path, registry.settings)
        ours = (await own.access(here)).name == f"{host}/{path}"
        if digest := digest_of(image):
            if ours and not await own.exists(here, digest):
                raise Unusable(f"service {service}: there is no image {host}/{path}@{digest}; push it first")
            return ImageMade(service, f"{host}/{path}@{digest}", digest)
        if not ours:
            own, here = self._registries["docker"], Repository(path, _anonymous(host))
        found = await own.resolve(here, tag)
        if found is None:
            raise Unusable(f"service {service}: there is no image {host}/{path}:{tag}")
        return ImageMade(service, f"{host}/{path}@{found}", found)

    async def login(self, image: str, registry: RegistryRules) -> Access | None:
        """What its own registry asks for. None: it is another's, which is shown nothing of ours."""
        host, path, _ = parts(image)
        access = await self._registry(registry).access(Repository(path, registry.settings))
        return access if access.name == f"{host}/{path}" else None

    async def _there(self, registry: Registry, repository: Repository, name: str, content: str) -> Made | None:
        made = await asyncio.to_thread(self._records.find, name, content)
        return made if made and await registry.exists(repository, made.digest) else None

    async def _build_and_push(self, order: ImageOrder, registry: Registry, repository: Repository) -> Made:
        try:
            image = await self._build(order)
        except BuildFailed as error:
            raise Unusable(f"{_what(order)}: {_told(error)}") from error
        except AdapterError as error:
            kind = Unusable if isinstance(error, Unusable) else AdapterError
            raise kind(f"{_what(order)}: building: {error}") from error
        try:
            return Made(await registry.push(image, repository, order.commit), order.commit)
        except AdapterError as error:
            raise AdapterError(f"{_what(order)}: pushing: {error}") from error

    async def _build(self, order: ImageOrder) -> str:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".tar") as tar:
            path = Path(tar.name)
            await asyncio.to_thread(write, Path(order.folder), order.dockerfile.path, order.committed_at, path)
            return await self._engine.build(path, labels(order), order.dockerfile)

    def _registry(self, rules: RegistryRules) -> Registry:
        if rules.kind not in self._registries:
            known = ", ".join(sorted(self._registries)) or "none"
            raise AdapterError(f"there is no registry adapter {rules.kind!r}; known: {known}")
        return self._registries[rules.kind]


def labels(order: ImageOrder) -> dict[str, str]:
    """OCI annotations. Of the content alone nothing changes them: two builds of one commit are labelled alike."""
    created = order.committed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = {"revision": order.commit, "source": order.source, "created": created, "version": order.version}
    return {f"{OCI}.{name}": value for name, value in known.items() if value}


def parts(image: str) -> tuple[str, str, str]:
    """Host, path and tag, as Docker reads a name: without a host it is Docker Hub's."""
    name = image.partition("@")[0]
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = HUB, name if slash else f"library/{name}"
    path, _, tag = rest.partition(":")
    return first, path, tag or "latest"


def _anonymous(host: str) -> dict[str, str]:
    """Docker Hub answers elsewhere than its images are named."""
    if host == HUB:
        return {"url": "https://registry-1.docker.io"}
    return {"url": f"http://{host}" if LOOPBACK.fullmatch(host) else f"https://{host}"}


def _tags(order: ImageOrder) -> list[str]:
    """A git tag may hold what an image's tag must not, such as a slash: such an image is known by its commit."""
    return [order.commit, *([order.version] if order.version and TAG.fullmatch(order.version) else [])]


async def _tagged(registry: Registry, repository: Repository, digest: str, tags: list[str]) -> None:
    for tag in tags:
        if await registry.resolve(repository, tag) != digest:
            await registry.tag(repository, digest, tag)


def _what(order: ImageOrder) -> str:
    return f"image of {order.service} at {order.commit[:7]}"


def _told(error: BuildFailed) -> str:
    at = f" at `{error.step}`" if error.step else ""
    what = f"the build failed{at}: {error}"
    if OUTSIDE.search(str(error)):
        return f"{what}. A build sees the service's folder of that commit and nothing outside it; move the file there"
    output = [line for line in error.output if not line.startswith(("Step ", "---> "))]
    told = f"{what}. Its last output: {' | '.join(output[-3:])}" if output else what
    return f"{told}. Mend it and commit; where it was no fault of the commit, `headgate release` tries it again"
