"""A source that is a folder as it is now, committed or not: every time it is asked, what stands there is a new edit."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from headgate.adapters.sources.git.command import Ask, run
from headgate.adapters.sources.git.source import below
from headgate.model.reverts import Undoing, Undone
from headgate.model.sources import Integration
from headgate.ports import AdapterError

DEBOUNCE = 150  # milliseconds without a further change: an editor or `git checkout` writes many files
POLL = 500  # milliseconds between looks, where the system tells nothing of changes
CHECK_IGNORE = timedelta(seconds=5)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Edit:
    sha: str
    version: str
    branch: str = "working tree"
    author: str = ""
    subject: str = "as it stands in the working tree"
    message: str = "as it stands in the working tree"
    committed_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)  # nothing that is made of it says when


class WorkingTree:
    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._edits = 0

    async def resolve(self, repository: str, reference: str, branch: str = "") -> Edit:
        self._edits += 1
        return Edit(f"{self._edits:040x}", f"edit-{self._edits}")

    async def heads(self, repository: str) -> dict[str, str]:
        """None: an edit becomes a release because someone saved it."""
        return {}

    async def digests(self, repository: str, commit: str, folders: Sequence[str]) -> dict[str, str]:
        """Every edit may have changed all of them."""
        return dict.fromkeys(folders, commit)

    async def integrate(self, repository: str, heads: Sequence[tuple[str, str]], name: str) -> Integration:
        raise AdapterError(f"{self.folder} is a working tree: branches are integrated from a repository, by a server")

    async def undo(self, repository: str, wanted: Undoing) -> Undone:
        return Undone("nothing", f"{self.folder} is a working tree: what stands there is its author's")

    async def between(self, repository: str, old: str, new: str) -> list[Edit]:
        """Edits have no history."""
        return []

    async def read_file(self, repository: str, commit: str, path: str) -> str:
        try:
            return await asyncio.to_thread((self.folder / below(path)).read_text)
        except (OSError, UnicodeDecodeError) as error:
            raise AdapterError(f"{self.folder / path} cannot be read: {error}") from error

    async def checkout(self, repository: str, commit: str, into: Path, folders: Sequence[str]) -> dict[str, str]:
        """Nothing is laid out: it runs where it stands."""
        for name in folders:
            if not (self.folder / below(name)).is_dir():
                raise AdapterError(f"There is no folder {name!r} in {self.folder}: make it, or correct `build`")
        return dict.fromkeys(folders, commit)

    async def changes(self) -> AsyncIterator[set[Path]]:
        """Paths below the folder that were written, made or removed, without what git ignores."""
        for polling in (False, True):
            try:
                async for paths in self._seen(polling):
                    if kept := paths - await asyncio.to_thread(self._ignored, paths):
                        yield {Path(path).relative_to(self.folder) for path in kept}
                return
            except (OSError, RuntimeError) as error:
                if polling or not self.folder.is_dir():
                    raise AdapterError(f"{self.folder} cannot be watched for changes: {error}") from error
                log.warning("%s is looked through twice a second: the system does not tell of changes", self.folder)

    async def _seen(self, polling: bool) -> AsyncIterator[set[str]]:
        watching = awatch(
            self.folder,
            watch_filter=_interesting,
            debounce=DEBOUNCE * 4,
            step=DEBOUNCE,
            force_polling=polling or None,
            poll_delay_ms=POLL,
        )
        async for changed in watching:
            yield {path for _, path in changed}

    def _ignored(self, paths: set[str]) -> set[str]:
        """Logs, databases and caches that the application itself writes; none where the folder is no repository."""
        top = next((one for one in (self.folder, *self.folder.parents) if (one / ".git").exists()), None)
        if top is None:
            return set()
        given = "".join(f"{path}\0" for path in sorted(paths)).encode()
        try:
            found = run(top, ("check-ignore", "-z", "--stdin"), CHECK_IGNORE, Ask(given))
        except AdapterError:  # also how git says that none is
            return set()
        return set(found.decode(errors="surrogateescape").split("\0"))


class _Filter(DefaultFilter):
    """Without virtual environments, node_modules, caches, editors' own files: the library's list, and a few more."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, ".ruff_cache", ".tox", "venv", ".nox", "dist", "build")


_filter = _Filter()


def _interesting(change: Change, path: str) -> bool:
    return _filter(change, path)
