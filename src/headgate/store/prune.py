"""Whole streams leave the log by policy: into an archive first, then with a row that vouches for the gaps."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from sqlalchemy import Connection

from headgate.model.record import Gap, RowsPruned
from headgate.ports import LogUnavailable
from headgate.store import connections, tables
from headgate.store.anchor import write_anchor
from headgate.store.chain import Link, Row, digest
from headgate.store.codec import datetime_from, datetime_text, encode
from headgate.store.export import linked, written
from headgate.store.failures import damaged, in_words
from headgate.store.verify import verify

NO_DELETE = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'no_delete'"
Leaves = Callable[[str, datetime], bool]  # of a stream and the moment of its last row


@dataclass(frozen=True, slots=True)
class Pruning:
    log: Path
    leaves: Leaves
    keep: timedelta
    by: str
    why: str
    now: datetime

    def run(self, archive: Path) -> RowsPruned | None:
        """None: nothing is old enough, and no archive was written. Beside a live server, or without one.

        Raises LogDamaged, LogTooNew, LogUnavailable.
        """
        found = verify(self.log)
        if not found.ok:
            raise damaged(self.log, str(found.problem))
        streams = self.streams()
        if not streams:
            return None
        leaving = [(row.position, previous, row.hash) for row, previous in self._archived(streams, archive)]
        file_digest = _sealed(archive)
        gaps = tuple(_gaps(leaving))
        told = RowsPruned(
            self.by, self.why, self.keep, len(streams), len(leaving), gaps, archive.name, file_digest
        )
        self._take_out(streams, told)
        return told

    def streams(self) -> list[str]:
        """That of the last row stays: the end of the log is what anchors name."""
        engine = connections.examiner(self.log)
        try:
            with in_words(self.log), engine.connect() as connection:
                latest = connection.execute(tables.LATEST).all()
                last = connection.execute(tables.HEAD_STREAM).scalar()
                return [name for name, at in latest if name != last and self.leaves(name, datetime_from(at))]
        finally:
            engine.dispose()

    def _archived(self, streams: list[str], archive: Path) -> Iterator[tuple[Row, str]]:
        """Each row, once its line is written."""
        chosen = frozenset(streams)
        seen: list[tuple[Row, str]] = []

        def rows() -> Iterator[tuple[Row, str]]:
            for row, previous in linked(self.log):
                if row.stream in chosen:
                    seen.append((row, previous))
                    yield row, previous

        with _fresh(archive) as file:
            for line in written(rows(), "jsonl", {"left": "by policy"}):
                file.write(line)
                yield from seen
                seen.clear()
            file.flush()
            os.fsync(file.fileno())

    def _take_out(self, streams: list[str], told: RowsPruned) -> None:
        engine = connections.writer(self.log)
        try:
            with in_words(self.log), engine.begin() as connection:
                _delete(connection, self.log, streams, told.rows)
                head = self._say(connection, told)
        finally:
            engine.dispose()
        with suppress(OSError):  # one that lags behind is mended by the next append
            write_anchor(self.log, head)

    def _say(self, connection: Connection, told: RowsPruned) -> Link:
        head = Link(*connection.execute(tables.HEAD).one())
        version = connection.execute(tables.VERSION, {"stream": tables.PRUNING}).scalar_one() + 1
        at = datetime_text(self.now)
        row = Row(head.position + 1, tables.PRUNING, version, at, type(told).__name__, encode(told))
        connection.execute(tables.APPEND, tables.values_of(replace(row, hash=digest(head.hash, row))))
        return Link(row.position, digest(head.hash, row))


def _delete(connection: Connection, log: Path, streams: list[str], expected: int) -> None:
    trigger = connection.exec_driver_sql(NO_DELETE).scalar()
    if trigger is None:
        raise damaged(log, "its trigger no_delete is gone")
    connection.exec_driver_sql("PRAGMA secure_delete=ON")
    connection.exec_driver_sql("DROP TRIGGER no_delete")
    gone = sum(connection.execute(tables.OF_STREAM, {"leaving": name}).rowcount for name in streams)
    connection.exec_driver_sql(trigger)
    if gone != expected:
        raise LogUnavailable(
            f"{gone} rows of {log} would have left and {expected} are archived: nothing was changed. Ask once more, "
            "with another archive"
        )


def _gaps(leaving: list[tuple[int, str, str]]) -> Iterator[Gap]:
    """Neighbours are one gap."""
    first, last, before, end = 0, -1, "", ""
    for position, previous, own in leaving:
        if position != last + 1:
            if first:
                yield Gap(first, last, before, end)
            first, before = position, previous
        last, end = position, own
    if first:
        yield Gap(first, last, before, end)


def _fresh(archive: Path) -> IO[str]:
    try:
        number = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        remedy = "Name a file that is not there yet, in a folder that is."
        raise LogUnavailable(f"The archive {archive} cannot be written: {error.strerror}. {remedy}") from error
    return open(number, "w", encoding="utf-8", newline="")


def _sealed(archive: Path) -> str:
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
