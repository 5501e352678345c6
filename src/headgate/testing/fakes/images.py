"""An image store in memory, on a fake registry: equal content is one image, and what was made is counted."""

import asyncio

from headgate.model.images import ImageMade, ImageOrder, RegistryRules, Repository, digest_of
from headgate.ports import Access, Unusable
from headgate.testing.fakes.registry import HOST, FakeRegistry


class FakeImages:
    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.broken = ""  # a reason makes every build fail
        self.slow: dict[str, asyncio.Event] = {}  # application -> its builds wait for it
        self.built: list[tuple[str, str]] = []  # service, commit
        self.salt = ""  # another one: building gives other images, as an engine whose cache is gone does
        self._made: dict[tuple[str, str], tuple[str, str]] = {}  # repository and tree -> digest and commit

    async def make(self, order: ImageOrder) -> ImageMade:
        repository = order.registry.repository(order.application, order.service)
        name = (await self.registry.access(repository)).name
        digest, commit = self._made.get((name, order.tree), ("", ""))
        new = not digest or not await self.registry.exists(repository, digest)
        if new:
            digest, commit = await self._build(order, repository), order.commit
            self._made[name, order.tree] = digest, commit
        await self.registry.tag(repository, digest, order.commit)
        return ImageMade(order.service, f"{name}@{digest}", digest, commit, new)

    async def pin(self, service: str, image: str, registry: RegistryRules) -> ImageMade:
        name, _, tag = image.partition("@")[0].partition(":")
        own = Repository(name.removeprefix(f"{HOST}/"))
        digest = digest_of(image) or await self.registry.resolve(own, tag)
        gone = own.name != name and digest is not None and not await self.registry.exists(own, digest)
        if digest is None or gone:
            raise Unusable(f"service {service}: there is no image {image}")
        return ImageMade(service, f"{name}@{digest}", digest)

    async def login(self, image: str, registry: RegistryRules) -> Access | None:
        name = image.partition("@")[0]
        return await self.registry.access(Repository(name.removeprefix(f"{HOST}/"))) if name.startswith(HOST) else None

    async def _build(self, order: ImageOrder, repository: Repository) -> str:
        if self.broken:
            raise Unusable(f"image of {order.service} at {order.commit[:7]}: {self.broken}")
        if order.application in self.slow:
            await self.slow[order.application].wait()
        self.built.append((order.service, order.commit))
        return await self.registry.push(f"{order.tree}{self.salt}", repository, order.commit)
