"""Files that open secrets, or hold them: for the eyes of the server's user alone, and in no repository."""

import os
import stat
from pathlib import Path

from headgate.ports import AdapterError

LARGEST = 1 << 20  # bytes


def read_private(path: Path) -> bytes:
    """Raises AdapterError with what to do. What is checked is the file that is then read: no other can slip in."""
    try:
        with open(path, "rb", opener=_opener) as file:
            refuse_unless_private(path, os.fstat(file.fileno()))
            content = file.read(LARGEST + 1)
    except OSError as error:
        remedy = f"put it there, readable for user {os.geteuid()} alone"
        raise AdapterError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    if len(content) > LARGEST:
        raise AdapterError(f"{path} is larger than {LARGEST >> 10} KiB: that is no file of secrets")
    return content


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe in its place does not hold us up


def refuse_unless_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise AdapterError(f"{path} is no plain file")
    if found.st_uid not in (0, os.geteuid()):
        raise AdapterError(f"{path} belongs to user {found.st_uid}, not to the server's; chown {os.geteuid()} {path}")
    if found.st_mode & 0o077:
        raise AdapterError(f"{path} can be read by others (mode {found.st_mode & 0o777:04o}); chmod 600 {path}")
    if inside := work_tree(path):
        raise AdapterError(f"{path} lies in the git work tree {inside}: move it out, and replace what it held")


def work_tree(path: Path) -> Path | None:
    """The work tree that a path lies in, links followed."""
    return next((one for one in path.resolve().parents if (one / ".git").exists()), None)
