"""What SQLite and the file system report, in words for a person: what happened, where, what to do next."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from headgate.ports import LogDamaged, LogUnavailable

DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Everything that goes wrong inside leaves as LogDamaged or LogUnavailable."""
    try:
        yield
    except DBAPIError as error:
        raise _told(error.orig, path) from error
    except (sqlite3.Error, OSError) as error:
        raise _told(error, path) from error


def damaged(path: Path, what: str) -> LogDamaged:
    return LogDamaged(
        f"The event log {path} is damaged: {what}. Stop the server, restore {path.name} and {path.name}.anchor "
        "together from the latest backup, and check them with `headgate audit verify`. "
        "What is deployed goes on serving."
    )


def _told(error: BaseException | None, path: Path) -> LogDamaged | LogUnavailable:
    code = getattr(error, "sqlite_errorcode", 0)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = code & 0xFF  # the rest only says where inside SQLite
    if primary in DAMAGE or "Could not decode to UTF-8" in str(error):
        return damaged(path, str(error))
    if primary == sqlite3.SQLITE_ERROR and code:
        return damaged(path, f"its tables are not Headgate's ({error})")
    if primary == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in NO_SPACE:
        return _full(path)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LogUnavailable(
            f"The event log {path} is locked by another process. Find it with `fuser {path}` and end it."
        )
    return LogUnavailable(
        f"The event log {path} cannot be used: {error} ({name}). It is on {file_system(path)}. Check the disk, "
        "its quota, file size limits and permissions. What was acknowledged is kept; Headgate goes on once mended."
    )


def _full(path: Path) -> LogUnavailable:
    return LogUnavailable(
        f"There is no room left for the event log {path}: it is on {file_system(path)}. Make room there; Headgate goes "
        "on by itself. What was acknowledged is kept, and what is deployed goes on serving."
    )


def file_system(path: Path) -> str:
    """ "the file system mounted at /var (12.0 MiB of 200.0 MiB free)" """
    place = path.absolute()
    while not os.path.ismount(place):
        place = place.parent
    try:
        space = os.statvfs(place)
    except OSError as error:
        return f"the file system mounted at {place} ({error})"
    free, size = (count * space.f_frsize / 2**20 for count in (space.f_bavail, space.f_blocks))
    return f"the file system mounted at {place} ({free:.1f} MiB of {size:.1f} MiB free)"
