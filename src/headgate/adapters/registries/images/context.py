"""The context of a build: exactly the folder of one commit, as a tar that is the same byte for byte each time.

Links are sent as links, never followed: what they lead to outside the folder is not there for the build.
"""

import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from headgate.adapters.registries.images.ignored import ignored
from headgate.ports import Unusable

DOCKERIGNORE = ".dockerignore"
LONGEST_RULES = 1 << 20  # bytes


def write(folder: Path, dockerfile: str, at: datetime, into: Path) -> None:
    """`at`: the time that every file gets. Raises Unusable where there is no such Dockerfile."""
    if not _is_file(folder / dockerfile):
        raise Unusable(f"there is no {dockerfile} in it")
    with into.open("wb") as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        # First a short plain name: BuildKit takes a tar that begins with an extended header for a Dockerfile.
        for path in (dockerfile, *(path for path in _paths(folder, _rules(folder, dockerfile)) if path != dockerfile)):
            _add(tar, folder, path, int(at.timestamp()))


def _rules(folder: Path, dockerfile: str) -> Callable[[str], bool]:
    """Rules of that Dockerfile's own come before those of the folder. The Dockerfile itself is always sent."""
    found = [name for name in (dockerfile + DOCKERIGNORE, DOCKERIGNORE) if _is_file(folder / name)]
    if not found:
        return lambda name: False
    with (folder / found[0]).open("rb") as stream:
        test = ignored(stream.read(LONGEST_RULES).decode(errors="replace"))
    return lambda name: name not in (dockerfile, DOCKERIGNORE) and test(name)


def _paths(folder: Path, out: Callable[[str], bool]) -> Iterator[str]:
    """Below the folder, with /, in one order everywhere, folders before what they hold."""
    for here, folders, files in os.walk(folder):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        for name in sorted([*folders, *files]):
            path = os.path.relpath(os.path.join(here, name), folder)
            if not out(path):
                yield path
        folders[:] = [name for name in folders if name not in links]


def _add(tar: tarfile.TarFile, folder: Path, path: str, at: int) -> None:
    """Only what git holds: files, programs, links, folders. Who laid it out here, and when, is nobody's business."""
    status = (folder / path).lstat()
    member = tarfile.TarInfo(path)
    member.mtime = at
    member.mode = 0o755 if stat.S_ISDIR(status.st_mode) or status.st_mode & 0o100 else 0o644
    if stat.S_ISLNK(status.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, os.readlink(folder / path)
        tar.addfile(member)
    elif stat.S_ISDIR(status.st_mode):
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    elif stat.S_ISREG(status.st_mode):
        member.size = status.st_size
        with (folder / path).open("rb") as stream:
            tar.addfile(member, stream)


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
