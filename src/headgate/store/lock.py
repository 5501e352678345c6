"""One server to a data folder: a lock that the kernel drops when its holder dies, however it dies."""

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from headgate.ports import LogUnavailable

NAME = "headgate.lock"


class FolderInUse(LogUnavailable):
    """Another server works on the data folder. The text names it."""


class FolderLock:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: int | None = None

    def acquire(self) -> Self:
        """Creates the folder, for its owner only. Raises FolderInUse, LogUnavailable."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not inherited: a service that outlives a killed server must not go on holding its lock.
            file = os.open(self.folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LogUnavailable(
                f"The data folder {self.folder} cannot be used: {error}. Name another, or mend it."
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            refusal = _refusal(self.folder, _read(file), error)
            os.close(file)
            raise refusal from error
        self._file = file
        _write(file)
        return self

    def release(self) -> None:
        """The file stays: removing it would let two servers lock two files of one name."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def _write(file: int) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(file, 0)
    os.pwrite(file, json.dumps(holder).encode() + b"\n", 0)


def _read(file: int) -> dict[str, object]:
    try:
        found = json.loads(os.pread(file, 4096, 0))
    except ValueError:  # its holder is just writing it
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(folder: Path, holder: dict[str, object], error: OSError) -> LogUnavailable:
    if not isinstance(error, BlockingIOError):
        return LogUnavailable(f"The data folder {folder} cannot be locked: {error}. Put it on a local file system.")
    pid, host, since = (holder.get(name, "unknown") for name in ("pid", "host", "started_at"))
    return FolderInUse(
        f"The data folder {folder} is in use by the Headgate server with pid {pid} on {host}, started at {since}. "
        "Stop that one first, or start this one on another folder (--data)."
    )
