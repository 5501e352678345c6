"""Branches and tags with their commits. A folder's are read again only where something touched its references."""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headgate.adapters.sources.git.command import git

LONGEST_NAME = 255  # characters; longer ones are not followed
SETTLED = 2.0  # seconds; what was touched later may be touched again without its time telling
LONGEST_TRUST = 60.0  # seconds after which everything is read again whatever the times say
FORMAT = "%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)"

Touched = tuple[tuple[str, int, int, int], ...]  # path, mtime in ns, size, inode


@dataclass(frozen=True, slots=True)
class Looked:
    at: float  # seconds, wall clock: it is compared with times of files
    touched: Touched
    heads: dict[str, str]


async def heads(where: Path) -> dict[str, str]:
    """Names that are no text, or endless, are left out."""
    shown = await git(where, "for-each-ref", f"--format={FORMAT}", "refs/heads", "refs/tags")
    found: dict[str, str] = {}
    for line in shown.splitlines():
        name, kind, commit, peeled_kind, peeled = line.decode(errors="replace").split("\0")
        if "\ufffd" in name or len(name) > LONGEST_NAME:
            continue
        if kind == "commit":
            found[name] = commit
        elif peeled_kind == "commit":
            found[name] = peeled
    return found


class References:
    """The references of folders, remembered while nothing touched them."""

    def __init__(self) -> None:
        self._looked: dict[Path, Looked] = {}
        self._common: dict[Path, Path] = {}

    async def heads(self, where: Path) -> dict[str, str]:
        common = await self._common_folder(where)
        now, last = time.time(), self._looked.get(where)
        there = await asyncio.to_thread(lambda: tuple(touched(common)))  # a folder may be on a slow network
        if last and last.touched == there and now - last.at < LONGEST_TRUST and settled(there, last.at):
            return last.heads
        found = await heads(where)
        self._looked[where] = Looked(now, there, found)
        return found

    async def _common_folder(self, where: Path) -> Path:
        """Where references lie, also of a linked work tree."""
        if where not in self._common:
            shown = await git(where, "rev-parse", "--git-common-dir")
            self._common[where] = (where / os.fsdecode(shown).rstrip("\n")).resolve()
        return self._common[where]


def settled(there: Touched, looked_at: float) -> bool:
    """Times of files have steps of some milliseconds: what was touched just before a look may be touched once more."""
    return max((mtime for _, mtime, _, _ in there), default=0) / 1e9 < looked_at - SETTLED


def touched(common: Path) -> Iterator[tuple[str, int, int, int]]:
    """Every way in which git keeps references: one file each (its folder is touched), packed, or as tables."""
    for path in (common / "packed-refs", common / "reftable" / "tables.list"):
        yield from _times(path)
    for below in ("heads", "tags"):
        for folder, _, _ in os.walk(common / "refs" / below):
            yield from _times(Path(folder))


def _times(path: Path) -> Iterator[tuple[str, int, int, int]]:
    try:
        found = path.stat()
    except OSError:
        return
    yield str(path), found.st_mtime_ns, found.st_size, found.st_ino
