"""Which texts: of the work tree, or of git's index as it would be committed."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from headgate.cli.failure import USAGE, Failure
from headgate.cli.lint.source import LARGEST, Source, decoded

PATIENCE = 60  # seconds, for one answer of git
NOWHERE = frozenset((".git", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".tox"))


def git(*arguments: str, folder: str = ".", given: bytes = b"") -> bytes | None:
    """None: git says no. Raises Failure where there is no git."""
    try:
        command = ["git", "-C", folder, *arguments]
        ran = subprocess.run(command, input=given, capture_output=True, check=False, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"git cannot be run: {error}", folder, "Install git.") from error
    return ran.stdout if ran.returncode == 0 else None


def top() -> Path | None:
    """Of the work tree; None: this is no repository."""
    found = git("rev-parse", "--show-toplevel")
    return Path(os.fsdecode(found).rstrip("\n")) if found else None


def of_the_tree(paths: Sequence[str], root: Path) -> list[Source]:
    """What git follows or would, where it knows; every file otherwise. Told as seen from the root."""
    found: dict[str, Source] = {}
    for path in paths or ["."]:
        if not os.path.lexists(path):
            raise Failure(f"there is no {path!r}", os.getcwd(), "Name files or folders that are there.", USAGE)
        for file in _files(path) if os.path.isdir(path) else [path]:
            absolute = os.path.join(os.path.realpath(os.path.dirname(file) or "."), os.path.basename(file))
            name = _told(absolute, root)
            found[name] = Source(name, file=Path(absolute))
    return list(found.values())


def _told(absolute: str, root: Path) -> str:
    relative = os.path.relpath(absolute, os.path.realpath(root))
    name = absolute if relative.startswith("..") else relative
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _files(folder: str) -> Iterator[str]:
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=folder)
    if listed is not None:
        yield from (os.path.join(folder, name) for name in _names(listed))
        return
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - NOWHERE)
        yield from (os.path.join(place, name) for name in sorted(names))


def staged(root: Path) -> list[Source]:
    """The content that would be committed, whatever the work tree holds by now."""
    asked = ("diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=ACMRT")
    listed = git(*asked, folder=str(root))
    if listed is None:
        raise Failure("git cannot say what is staged", str(root), "Run it in a git repository.", USAGE)
    words = listed.split(b"\0")
    # :100644 100644 OLD NEW M, then the path; links and submodules have other modes.
    found = {path: entry.split()[3] for entry, path in pairwise(words) if entry[:1] == b":" and b" 100" in entry[:14]}
    texts = _blobs(root, list(dict.fromkeys(found.values())))
    return [
        Source(path.decode("utf-8", "replace"), text=text)
        for path, blob in found.items()
        if (text := texts.get(blob)) is not None
    ]


def staged_text(root: Path, name: str) -> str | None:
    """None: it is not in the index, or no text."""
    entry = git("ls-files", "--stage", "-z", "--", f":(top,literal){name}", folder=str(root))
    blob = entry.split()[1] if entry and entry.startswith(b"100") else None
    return _blobs(root, [blob]).get(blob) if blob else None


def _blobs(root: Path, names: Sequence[bytes]) -> dict[bytes, str]:
    """Two processes for all of them: sizes first, so that nothing large is read."""
    sizes = git("cat-file", "--batch-check", folder=str(root), given=b"\n".join(names)) if names else b""
    known = [line.split() for line in (sizes or b"").splitlines()]
    small = [words[0] for words in known if len(words) == 3 and int(words[2]) <= LARGEST]
    content = (git("cat-file", "--batch", folder=str(root), given=b"\n".join(small)) if small else b"") or b""
    texts, at = {}, 0
    for name in small:
        head = content.index(b"\n", at)
        at = head + 1 + int(content[at:head].split()[2])
        text = decoded(content[head + 1 : at])
        if text is not None:
            texts[name] = text
        at += 1
    return texts


def _names(listed: bytes) -> list[str]:
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]
