"""A registry in memory. Pushed images are told apart by their ids; it may be taken down, and told to lie."""

import hashlib

from headgate.model.images import DIGEST, Repository
from headgate.ports import Access, AdapterError

HOST = "registry.example.org"


class FakeRegistry:
    def __init__(self) -> None:
        self.down = ""  # a reason makes every verb fail
        self.images: dict[str, set[str]] = {}  # repository -> digests
        self.pushes = 0
        self._tags: dict[str, dict[str, str]] = {}

    async def access(self, repository: Repository) -> Access:
        return Access(f"{HOST}/{self._checked(repository)}", "ada", "secret")

    async def push(self, image: str, repository: Repository, tag: str) -> str:
        digest = f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
        self.pushes += 1
        self.images.setdefault(self._checked(repository), set()).add(digest)
        await self.tag(repository, digest, tag)
        return digest

    async def tag(self, repository: Repository, digest: str, tag: str) -> None:
        if not await self.exists(repository, digest):
            raise AdapterError(f"there is no image {repository.name}@{digest}")
        self._tags.setdefault(self._checked(repository, tag), {})[tag] = digest

    async def resolve(self, repository: Repository, tag: str) -> str | None:
        return self._tags.get(self._checked(repository, tag), {}).get(tag)

    async def exists(self, repository: Repository, digest: str) -> bool:
        return digest in self.images.get(self._checked(repository), set())

    async def delete(self, repository: Repository, digest: str) -> None:
        if not DIGEST.fullmatch(digest):
            raise AdapterError(f"{digest!r} is not a digest: images are deleted by digest only")
        self.images.get(self._checked(repository), set()).discard(digest)
        left = {tag: one for tag, one in self._tags.get(repository.name, {}).items() if one != digest}
        self._tags[repository.name] = left

    async def tags(self, repository: Repository) -> dict[str, str]:
        return dict(self._tags.get(self._checked(repository), {}))

    def _checked(self, repository: Repository, tag: str | None = None) -> str:
        if problem := self.down or repository.problem(tag):
            raise AdapterError(problem)
        return repository.name
