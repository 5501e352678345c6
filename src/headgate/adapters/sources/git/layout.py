"""A commit laid out in a folder: exactly its files, and nothing that attributes or filters would make of them.

Files are taken from `git cat-file` rather than `git archive`, which obeys export-ignore and export-subst, and each is
checked against its digest, when it is written and whenever the folder is asked for again.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from headgate.adapters.sources.git.command import Ask, run
from headgate.adapters.sources.git.tree import FILE, FOLDER, LINK, OLD_FILE, PROGRAM, SUBMODULE, Entry
from headgate.ports import AdapterError

PREFIX = ".laying-out-"


def lay_out(repository: Path, entries: Sequence[Entry], into: Path, scratch: Path) -> None:
    """All or nothing: written beside its place and renamed."""
    into.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{into.name}-", dir=into.parent))
    try:
        write_all(repository, entries, beside, scratch)
        beside.chmod(0o755)
        beside.rename(into)
        flush(into.parent)
    except OSError as error:
        raise AdapterError(f"Cannot lay out a commit in {into}: {error.strerror} ({error.filename})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def sweep(into: Path) -> None:
    """What an earlier server left half-written."""
    for rest in into.parent.glob(f"{PREFIX}{into.name}-*"):
        shutil.rmtree(rest, ignore_errors=True)


def write_all(repository: Path, entries: Sequence[Entry], root: Path, scratch: Path) -> None:
    """Links last, so that no file is ever written through one."""
    for entry in entries:
        if entry.mode in {FOLDER, SUBMODULE} and entry.path != ".":
            (root / entry.path).mkdir()
    links = []
    with tempfile.TemporaryFile(dir=scratch) as stream:
        for entry, content in contents(repository, blobs(entries), stream):
            if entry.mode == LINK:
                links.append((entry, content))
            else:
                write(root / entry.path, content, entry.mode == PROGRAM)
    for entry, content in links:
        (root / entry.path).symlink_to(os.fsdecode(content))
    for entry, _ in links:
        check_link(root, root / entry.path)


def check_link(root: Path, link: Path) -> None:
    """A link may lead elsewhere in the tree, not out of it, and not out of it by way of another link either."""
    target = link.readlink()
    if target.is_absolute() or not Path(os.path.realpath(link)).is_relative_to(os.path.realpath(root)):
        name = link.relative_to(root)
        raise AdapterError(f"{name} is a link to {str(target)!r}, out of the commit: such links are refused")


def blobs(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.mode in {FILE, OLD_FILE, PROGRAM, LINK}]


def contents(repository: Path, entries: Sequence[Entry], stream: IO[bytes]) -> Iterator[tuple[Entry, bytes]]:
    """For each `git cat-file --batch` prints `DIGEST blob SIZE`, the content, a line end; `stream` holds them."""
    wanted = "".join(f"{entry.digest}\n" for entry in entries).encode()
    run(repository, ("cat-file", "--batch"), ask=Ask(given=wanted, into=stream))
    stream.seek(0)
    for entry in entries:
        head = stream.readline().decode(errors="replace").split()
        if len(head) != 3 or head[:2] != [entry.digest, "blob"]:
            raise AdapterError(f"{repository}: the content of {entry.path} is missing; run `git fsck` there")
        content = stream.read(int(head[2]))
        stream.read(1)
        if digest(content, entry.digest) != entry.digest:
            raise AdapterError(f"{repository}: the content of {entry.path} is damaged; run `git fsck` there")
        yield entry, content


def write(path: Path, content: bytes, program: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o755 if program else 0o644)
    with open(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)


def verify(entries: Sequence[Entry], folder: Path) -> None:
    """Every file is there and unchanged. What a program may have put beside them is not looked at."""
    for entry in blobs(entries):
        if found_digest(folder / entry.path, entry) != entry.digest:
            raise AdapterError(
                f"{folder} is not what was laid out there: {entry.path} was changed or removed. "
                f"Remove the folder when nothing runs from it, and it is laid out anew"
            )


def found_digest(path: Path, entry: Entry) -> str | None:
    try:
        is_link = stat.S_ISLNK(path.lstat().st_mode)
        if is_link != (entry.mode == LINK):
            return None
        return digest(os.fsencode(path.readlink()) if is_link else path.read_bytes(), entry.digest)
    except OSError:
        return None


def digest(content: bytes, like: str) -> str:
    """Git's name for a content; `like` tells by its length which of git's two hashes the repository uses."""
    function = hashlib.sha1 if len(like) == 40 else hashlib.sha256
    return function(b"blob %d\0" % len(content) + content).hexdigest()


def flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
