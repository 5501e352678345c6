"""Logs: one file for each instance. When it is too long a copy is kept and the file is emptied.

Renaming would not do: the process keeps its file open, and no process of ours stands between it and the file. Lines
written in the instant between copying and emptying are lost; while the server is down a file may pass its limit.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from pathlib import Path

from headgate.adapters.machine.folders import PRIVATE_FILE

TAIL_BYTES = 256 * 1024  # most that is read for the last lines of one file
FOLLOW_PAUSE = 0.2  # seconds; only while someone follows
LINE_SHOWN = 200  # characters of one line within a sentence


def earlier(log: Path) -> Path:
    return log.with_name(f"{log.name}.1")


def size(log: Path) -> int:
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def cut(log: Path, limit: int) -> bool:
    """True: it was too long, and begins anew."""
    if size(log) <= limit:
        return False
    copy = earlier(log)
    shutil.copyfile(log, copy)
    copy.chmod(PRIVATE_FILE)
    os.truncate(log, 0)
    return True


def prune(folder: Path, keep: int, live: Collection[str]) -> None:
    """Keep the newest logs, and all of what still runs. `live` holds instance ids."""
    logs = [log for log in folder.glob("*.log") if log.stem not in live]
    for log in sorted(logs, key=lambda log: log.stat().st_mtime, reverse=True)[keep:]:
        earlier(log).unlink(missing_ok=True)
        log.unlink(missing_ok=True)


def last_lines(log: Path, count: int, start: int = 0) -> list[str]:
    try:
        with log.open("rb") as stream:
            end = stream.seek(0, os.SEEK_END)
            begin = max(start if start <= end else 0, end - TAIL_BYTES)
            stream.seek(begin)
            text = stream.read(end - begin)
    except FileNotFoundError:
        return []
    return text.decode(errors="replace").splitlines()[-count:] if count > 0 else []


def last_words(log: Path, start: int = 0) -> str:
    """The last lines as the end of a sentence, free of what a terminal would obey; empty where there are none."""
    return worded(last_lines(log, 50, start))


def worded(lines: Iterable[str]) -> str:
    last = [line.strip() for line in lines if line.strip()][-3:]
    shown = " | ".join("".join(c if c.isprintable() else " " for c in line)[:LINE_SHOWN] for line in last)
    return f"; last lines: {shown}" if shown else ""


class Follower:
    """Reads on in one file, whole lines only, also after it was emptied."""

    def __init__(self, log: Path, position: int) -> None:
        self.name = log.stem
        self._log, self._position, self._rest = log, position, b""

    def new(self) -> list[str]:
        length = size(self._log)
        if length < self._position:
            self._position, self._rest = 0, b""
        if length == self._position:
            return []
        with self._log.open("rb") as stream:
            stream.seek(self._position)
            text = self._rest + stream.read(TAIL_BYTES)
            self._position = stream.tell()
        *lines, self._rest = text.split(b"\n")
        return [line.decode(errors="replace") for line in lines]


async def read(logs: Callable[[], Iterable[Path]], lines: int, follow: bool) -> AsyncIterator[str]:
    """`logs` is asked again while following: new instances appear."""
    followers: dict[Path, Follower] = {}
    for log in logs():
        followers[log] = Follower(log, size(log))
        for line in last_lines(log, lines):
            yield f"{log.stem} | {line}"
    while follow:
        await asyncio.sleep(FOLLOW_PAUSE)
        for log in logs():
            follower = followers.setdefault(log, Follower(log, 0))
            for line in follower.new():
                yield f"{follower.name} | {line}"
