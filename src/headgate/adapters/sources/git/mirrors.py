"""Remote repositories, each as a bare mirror in the data folder that is fetched into: what was seen once stays."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

from headgate.adapters.sources.git.address import Address, address, reaching
from headgate.adapters.sources.git.command import Ask, GitRefused, folder, git
from headgate.model.sources import is_remote
from headgate.ports import AdapterError

FETCH = timedelta(minutes=10)  # the first one of a large repository takes a while
EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
QUIETLY = ("--quiet", "--prune", "--no-tags", "--no-auto-gc", "--no-recurse-submodules", "--no-write-fetch-head")


class Mirrors:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fetching: dict[str, asyncio.Lock] = {}

    async def place(self, repository: str) -> Path:
        """Where git is asked: the folder itself, or the mirror, made at first asking."""
        if not is_remote(repository):
            return folder(repository)
        mirror = self._mirror(address(repository))
        return mirror if (mirror / "HEAD").exists() else await self.fetched(repository)

    async def fetched(self, repository: str) -> Path:
        """The same, with all that the remote has by now."""
        if not is_remote(repository):
            return folder(repository)
        where = address(repository)
        async with self._fetching.setdefault(repository, asyncio.Lock()):
            return await self._fetch(where, self._mirror(where))

    def _mirror(self, where: Address) -> Path:
        return self._folder / f"{hashlib.sha256(where.text.encode()).hexdigest()[:16]}.git"

    async def _fetch(self, where: Address, mirror: Path) -> Path:
        new = not (mirror / "HEAD").exists()
        if new:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            await git(self._folder, "init", "--quiet", "--bare", "--", str(mirror))
        ask = Ask(also=reaching(where))
        try:
            await git(mirror, "fetch", *QUIETLY, "--", where.text, *EVERYTHING, timeout=FETCH, ask=ask)
            if new:
                await self._follow_head(where, mirror, ask)
        except GitRefused as error:
            raise AdapterError(f"{where.text} cannot be fetched: {error}") from error
        return mirror

    @staticmethod
    async def _follow_head(where: Address, mirror: Path, ask: Ask) -> None:
        """HEAD means in the mirror what it means there."""
        shown = await git(mirror, "ls-remote", "--symref", "--", where.text, "HEAD", ask=ask)
        head = shown.decode(errors="replace").partition("\t")[0].removeprefix("ref: ")
        if head.startswith("refs/heads/"):
            await git(mirror, "symbolic-ref", "HEAD", head)
