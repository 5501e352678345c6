"""The source itself: which commit a name stands for, its files, its folders' digests."""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from headgate.adapters.sources.git import integration, reverting
from headgate.adapters.sources.git.command import Ask, GitRefused, git
from headgate.adapters.sources.git.heads import References, heads
from headgate.adapters.sources.git.layout import lay_out, sweep, verify
from headgate.adapters.sources.git.mirrors import Mirrors
from headgate.adapters.sources.git.tree import FOLDER, Entry, list_tree
from headgate.model.reverts import Undoing, Undone
from headgate.model.sources import INTEGRATED, Integration, is_remote
from headgate.ports import AdapterError, Unusable

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
CONTROL = re.compile(r"[\x00-\x20\x7f]")
LONGEST_FILE = 1_000_000  # bytes; what is read as text is a specification
LONGEST_COMMIT = 1_000_000  # bytes of the commit itself: its author and message
LONGEST_SUBJECT = 300  # characters
MOST_BETWEEN = 200  # commits that anyone reads


@dataclass(frozen=True, slots=True)
class GitCommit:
    sha: str
    branch: str  # empty: no branch holds it
    author: str  # "Name <mail>"
    subject: str
    version: str | None
    message: str
    committed_at: datetime


class GitSource:
    def __init__(self, scratch: Path) -> None:
        """`scratch`: a folder of its own, for mirrors, integrations, and what is needed only for a moment."""
        self._scratch = scratch
        self._laying_out: dict[Path, asyncio.Lock] = {}
        self._integrating = asyncio.Lock()
        self._mirrors = Mirrors(scratch / "mirrors")
        self._references = References()

    async def resolve(self, repository: str, reference: str, branch: str = "") -> GitCommit:
        where = await self._holding(repository, reference)
        private = self._private(await self._mirrors.place(repository))
        sha = await self._sha(where, reference)
        author, subject, message, at = await self._said(where, sha)
        found = await self._branch(where, sha, branch or reference) if where != private else INTEGRATED
        return GitCommit(sha, found, author, subject, await self._version(where, sha, reference), message, at)

    async def heads(self, repository: str) -> dict[str, str]:
        if is_remote(repository):
            return await heads(await self._mirrors.fetched(repository))
        return await self._references.heads(await self._mirrors.place(repository))

    async def digests(self, repository: str, commit: str, folders: Sequence[str]) -> dict[str, str]:
        sha = full(commit)
        where = await self._holding(repository, sha)
        paths = [f"{sha}:{'' if below(name) == '.' else below(name)}" for name in folders]
        ask = Ask(given="".join(f"{path}\n" for path in paths).encode())
        lines = (await git(where, "cat-file", "--batch-check", ask=ask)).decode(errors="replace").splitlines()
        return {name: tree_in(line, name, sha) for name, line in zip(folders, lines, strict=True)}

    async def integrate(self, repository: str, heads: Sequence[tuple[str, str]], name: str) -> Integration:
        where = await self._mirrors.place(repository)
        async with self._integrating:
            private = await integration.borrowing(where, self._private(where))
            return await integration.integrate(private, [(branch, full(sha)) for branch, sha in heads], name)

    async def undo(self, repository: str, wanted: Undoing) -> Undone:
        for commit in (wanted.head, wanted.bad, wanted.good):
            full(commit)
        where = await self._holding(repository, wanted.head)
        async with self._integrating:
            private = await integration.borrowing(where, self._private(where))
            return await reverting.undo(private, where, repository, wanted)

    async def _holding(self, repository: str, reference: str) -> Path:
        """The place that has the commit: an integration is in the private one. A remote is asked for what is new."""
        where = await self._mirrors.place(repository)
        if SHA.fullmatch(reference):
            private = self._private(where)
            for place in (where, private) if private.exists() else (where,):
                if await self._has(place, reference):
                    return place
        return await self._mirrors.fetched(repository)

    def _private(self, where: Path) -> Path:
        return self._scratch / "integrations" / f"{hashlib.sha256(bytes(where)).hexdigest()[:16]}.git"

    @staticmethod
    async def _has(where: Path, sha: str) -> bool:
        try:
            await git(where, "cat-file", "-e", f"{sha}^{{commit}}")
        except GitRefused:
            return False
        return True

    @staticmethod
    async def _said(where: Path, sha: str) -> tuple[str, str, str, datetime]:
        """Author, subject, message, and when; whatever someone has written there, it is not endless."""
        size = int(await git(where, "cat-file", "-s", sha))
        if size > LONGEST_COMMIT:
            raise Unusable(f"The message of {sha[:12]} is too long: {size} bytes of at most {LONGEST_COMMIT}")
        form = "--format=%ct%x00%an <%ae>%x00%s%x00%B"
        shown = await git(where, "log", "-1", "--no-show-signature", "--encoding=UTF-8", form, sha, "--")
        said = shown.decode(errors="replace").rstrip("\n").split("\0", 3)
        written, author, subject, message = [*said, "", "", ""][:4]
        return author[:LONGEST_SUBJECT], subject[:LONGEST_SUBJECT], message, moment(written)

    async def between(self, repository: str, old: str, new: str) -> list[GitCommit]:
        where = await self._holding(repository, full(new))
        form = f"--format=%H%x00%ct%x00%an <%ae>%x00%<({LONGEST_SUBJECT},trunc)%s"
        how = ("-z", f"-{MOST_BETWEEN}", "--no-show-signature", "--encoding=UTF-8", form)
        shown = (await git(where, "log", *how, f"{full(old)}..{full(new)}", "--")).decode(errors="replace")
        words = iter(shown.split("\0"))
        return [
            GitCommit(sha, "", author[:LONGEST_SUBJECT], subject.rstrip(), None, "", moment(at))
            for sha, at, author, subject in zip(words, words, words, words, strict=False)
        ]

    async def read_file(self, repository: str, commit: str, path: str) -> str:
        sha, inside = full(commit), below(path)
        where = await self._holding(repository, sha)
        try:
            size = int(await git(where, "cat-file", "-s", f"{sha}:{inside}"))
            if size > LONGEST_FILE:
                raise Unusable(f"{path} at {sha[:12]} is too long to be read: {size} bytes of at most {LONGEST_FILE}")
            content = await git(where, "cat-file", "blob", f"{sha}:{inside}")
        except GitRefused as error:
            raise Unusable(f"{repository}: there is no file {path!r} at {sha[:12]} ({error})") from error
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise Unusable(f"{path} at {sha[:12]} is not UTF-8 text (byte {error.start})") from error

    async def checkout(self, repository: str, commit: str, into: Path, folders: Sequence[str]) -> dict[str, str]:
        """A folder's digest is git's own name for its tree: equal content has equal digest."""
        sha = full(commit)
        where = await self._holding(repository, sha)
        async with self._laying_out.setdefault(into, asyncio.Lock()):
            return await asyncio.to_thread(self._checkout, where, sha, into, tuple(folders))

    def _checkout(self, repository: Path, sha: str, into: Path, folders: Sequence[str]) -> dict[str, str]:
        try:
            entries = list_tree(repository, sha)
        except GitRefused as error:
            raise AdapterError(f"{repository}: commit {sha[:12]} cannot be read ({error})") from error
        digests = {name: digest_of(entries, name, sha) for name in folders}
        if into.exists():
            verify(entries, into)
        else:
            self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
            sweep(into)
            lay_out(repository, entries, into, self._scratch)
        return digests

    async def _sha(self, repository: Path, reference: str) -> str:
        if not reference or reference.startswith("-") or CONTROL.search(reference):
            raise AdapterError(f"Reference {reference!r} is refused: give a branch, a tag or a commit")
        try:
            asked = ("rev-parse", "--verify", "--end-of-options", f"{reference}^{{commit}}")
            return (await git(repository, *asked)).decode().strip()
        except GitRefused as error:
            raise AdapterError(f"{repository}: no branch, tag or commit is called {reference!r} ({error})") from error

    async def _branch(self, repository: Path, sha: str, reference: str) -> str:
        """The branch that was named; else, of those that hold the commit, the one checked out there, or the first."""
        listed = await git(
            repository, "for-each-ref", f"--contains={sha}", "--format=%(HEAD)%(refname:lstrip=2)", "refs/heads"
        )
        lines = listed.decode(errors="replace").splitlines()
        names = [line[1:] for line in lines]
        if reference in names:
            return reference
        current = [line[1:] for line in lines if line.startswith("*")]
        return next(iter(current + names), "")

    async def _version(self, repository: Path, sha: str, reference: str) -> str | None:
        """The tag that was named; else the highest of those that name exactly this commit."""
        asked = (
            "for-each-ref",
            f"--points-at={sha}",
            "--sort=-version:refname",
            "--format=%(refname:lstrip=2)",
            "refs/tags",
        )
        names = (await git(repository, *asked)).decode(errors="replace").splitlines()
        return reference if reference in names else next(iter(names), None)


def moment(seconds: str) -> datetime:
    """Since 1970. A forged commit may name a time that no calendar has: it counts as none."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def full(commit: str) -> str:
    if SHA.fullmatch(commit):
        return commit
    raise AdapterError(f"Commit {commit!r} is refused: give the full SHA that `resolve` returned")


def below(path: str) -> str:
    """A path in the tree, as git writes it."""
    inside = PurePosixPath(path)
    if inside.is_absolute() or ".." in inside.parts or CONTROL.search(path.replace(" ", "")):
        raise AdapterError(f"Path {path!r} is refused: give one below the repository")
    return str(inside)


def tree_in(line: str, name: str, sha: str) -> str:
    """`DIGEST KIND SIZE`, or the name and `missing`."""
    digest, _, rest = line.partition(" ")
    if rest.startswith("tree "):
        return digest
    if line.endswith(" missing"):
        raise Unusable(f"There is no folder {name!r} at commit {sha[:12]}")
    raise Unusable(f"{name!r} at commit {sha[:12]} is a file; a folder was asked for")


def digest_of(entries: Sequence[Entry], name: str, sha: str) -> str:
    inside = below(name)
    found = next((entry for entry in entries if entry.path == inside), None)
    if found is None:
        raise Unusable(f"There is no folder {name!r} at commit {sha[:12]}")
    if found.mode != FOLDER:
        raise Unusable(f"{name!r} at commit {sha[:12]} is a file; a folder was asked for")
    return found.digest
