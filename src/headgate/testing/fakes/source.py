"""A source in memory: commits with their files, laid out on disk when they are checked out."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headgate.model.reverts import Undoing, Undone
from headgate.model.sources import INTEGRATED, Integration
from headgate.ports import AdapterError, Unusable


@dataclass(frozen=True, slots=True)
class FakeCommit:
    sha: str
    branch: str
    author: str
    subject: str
    version: str | None
    files: Mapping[str, str]  # path below the repository -> text
    message: str = ""
    committed_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)


class FakeSource:
    def __init__(self) -> None:
        self._commits: dict[str, list[FakeCommit]] = {}  # repository -> commits, oldest first
        self.down = ""  # why it cannot be reached, while it cannot
        self.undo_fails = ""  # why nothing can be pushed
        self.looks = 0  # how often heads were asked for

    def commit(
        self,
        repository: str,
        files: Mapping[str, str],
        subject: str = "Change something",
        branch: str = "main",
        author: str = "Ada <ada@example.org>",
        version: str | None = None,
    ) -> FakeCommit:
        """Adds a commit on top of its branch."""
        commits = self._commits.setdefault(repository, [])
        parent = commits[-1].sha if commits else ""
        sha = hashlib.sha1(
            repr((parent, subject, branch, sorted(files.items()))).encode(), usedforsecurity=False
        ).hexdigest()
        first = subject.partition("\n")[0]
        made = FakeCommit(sha, branch, author, first, version, dict(files), subject)
        commits.append(made)
        return made

    async def heads(self, repository: str) -> dict[str, str]:
        self.looks += 1
        if self.down:
            raise AdapterError(self.down)
        commits = [one for one in self._commits.get(repository, []) if one.branch != INTEGRATED]
        branches = {f"refs/heads/{one.branch}": one.sha for one in commits}
        return {**branches, **{f"refs/tags/{one.version}": one.sha for one in commits if one.version}}

    async def digests(self, repository: str, commit: str, folders: Sequence[str]) -> dict[str, str]:
        found = await self.resolve(repository, commit)
        return {folder: _digest(found, folder) for folder in folders}

    async def undo(self, repository: str, wanted: Undoing) -> Undone:
        if self.down or self.undo_fails:
            raise AdapterError(self.down or self.undo_fails)
        good = await self.resolve(repository, wanted.good)
        made = self.commit(repository, good.files, wanted.message, wanted.onto, "Headgate <headgate@localhost>")
        return Undone("pushed", f"{made.sha[:10]} was pushed to {wanted.onto}", made.sha)

    async def integrate(self, repository: str, heads: Sequence[tuple[str, str]], name: str) -> Integration:
        """Two texts for one path are a conflict; a path that the first branch has too may be changed by one other."""
        ground, *others = [(branch, await self.resolve(repository, commit)) for branch, commit in heads]
        files, left_out, included = dict(ground[1].files), {}, [ground[0]]
        for branch, commit in others:
            changed = {path for path, text in commit.files.items() if ground[1].files.get(path) != text}
            if conflicts := {path for path in changed if files.get(path) not in (None, ground[1].files.get(path))}:
                left_out[branch] = tuple(sorted(conflicts))
                continue
            files |= {path: commit.files[path] for path in changed}
            included.append(branch)
        sha = hashlib.sha1(repr((name, heads)).encode(), usedforsecurity=False).hexdigest()
        if sha not in [one.sha for one in self._commits[repository]]:
            made = FakeCommit(sha, INTEGRATED, "Headgate <headgate@localhost>", f"Integrate as {name}", None, files)
            self._commits[repository].insert(0, made)
        return Integration(sha, tuple(included), left_out)

    async def resolve(self, repository: str, reference: str, branch: str = "") -> FakeCommit:
        for commit in reversed(self._commits.get(repository, [])):
            by_sha = len(reference) >= 4 and commit.sha.startswith(reference)
            if by_sha or reference in (commit.branch, commit.version) or reference == "HEAD":
                return commit
        raise AdapterError(f"{repository}: no branch, tag or commit is called {reference!r}")

    async def checkout(self, repository: str, commit: str, into: Path, folders: Sequence[str]) -> dict[str, str]:
        found = await self.resolve(repository, commit)
        _lay_out(found, into)
        return {folder: _digest(found, folder) for folder in folders}

    async def between(self, repository: str, old: str, new: str) -> list[FakeCommit]:
        """The fake's history is one line."""
        if self.down:
            raise AdapterError(self.down)
        line = [one for one in self._commits.get(repository, []) if one.branch != INTEGRATED]
        places = {one.sha: at for at, one in enumerate(line)}
        return line[places[old] + 1 : places[new] + 1][::-1]

    async def read_file(self, repository: str, commit: str, path: str) -> str:
        found = await self.resolve(repository, commit)
        if path not in found.files:
            raise Unusable(f"{repository}: there is no {path} at {found.sha[:10]}")
        return found.files[path]


def _lay_out(commit: FakeCommit, into: Path) -> None:
    """All or nothing: written beside its place, then renamed."""
    if into.exists():
        return
    beside = into.with_name(f"{into.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    for path, text in commit.files.items():
        target = beside / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    beside.mkdir(parents=True, exist_ok=True)
    beside.rename(into)


def _digest(commit: FakeCommit, folder: str) -> str:
    prefix = "" if folder == "." else f"{folder}/"
    inside = sorted((path, text) for path, text in commit.files.items() if path.startswith(prefix))
    return f"sha256:{hashlib.sha256(repr(inside).encode()).hexdigest()}"
