"""The token: who can read the data folder's file may command the server."""

import os
import secrets
from pathlib import Path

NAME = "token"
KEY = "key"  # file of the key that keeps what personal tokens hash to, and signs links


def token(folder: Path, name: str = NAME) -> str:
    """Made at first asking, readable by its owner only; a file that others could read is closed to them."""
    path = folder / name
    try:
        found = _read(path)
    except FileNotFoundError:
        found = ""
    return found or _make(path)


def _read(path: Path) -> str:
    # No following of links: the file must be the one we made.
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(file, encoding="ascii", errors="replace") as stream:
        os.fchmod(file, 0o600)
        return stream.read(1000).strip()


def _make(path: Path) -> str:
    """Written beside its place, then renamed: nobody ever reads half a token."""
    made = secrets.token_urlsafe(32)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(file, "w", encoding="ascii") as stream:
        stream.write(f"{made}\n")
        stream.flush()
        os.fsync(file)
    beside.replace(path)
    return made
