"""The event log in one SQLite file. Appends have a thread of their own: no reader stands in a rollback's way."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from headgate.model.events import Event, Recorded
from headgate.ports import Clock, Conflict, LogUnavailable
from headgate.store import connections, tables
from headgate.store.anchor import changed, cut, read_anchor, write_anchor
from headgate.store.chain import START, Link, Row, digest
from headgate.store.codec import datetime_from, datetime_text, encode
from headgate.store.failures import damaged, in_words
from headgate.store.rows import sound_events
from headgate.store.schema import is_laid_out, lay_out

ANCHOR_DELAY = 1.0  # seconds that the anchor may lag behind the log
Answer = TypeVar("Answer")
logger = logging.getLogger(__name__)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class SqliteEventLog:
    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()
        self._writer: Engine = connections.writer(path)
        self._reader: Engine = connections.reader(path)
        self._writing = ThreadPoolExecutor(1, "log-append")
        self._reading = ThreadPoolExecutor(1, "log-read")
        self._head = START  # the end of the log when we last saw it
        self._anchoring: asyncio.TimerHandle | None = None

    async def open(self) -> Self:
        """Creates the log where there is none. Raises LogDamaged, LogTooNew, LogUnavailable."""
        try:
            await _in(self._writing, self._open)
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        if self._anchoring is not None:
            self._anchoring.cancel()
            await _in(self._reading, self._write_anchor)
        for thread, engine in ((self._writing, self._writer), (self._reading, self._reader)):
            await _in(thread, engine.dispose)
            thread.shutdown()

    @property
    def head(self) -> Link:
        return self._head

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        return await _in(self._reading, self._read, stream, after)

    async def append(self, stream: str, events: Sequence[Event], after: int) -> list[Recorded]:
        appended = await _in(self._writing, self._append, stream, tuple(events), after)
        if self._anchoring is None:
            self._anchoring = asyncio.get_running_loop().call_later(ANCHOR_DELAY, self._anchor_is_due)
        return appended

    async def tail(self, after: int = 0, most: int | None = None) -> list[Recorded]:
        return await _in(self._reading, self._tail, after, most)

    async def streams(self, prefix: str) -> list[str]:
        return await _in(self._reading, self._streams, prefix)

    # --- in the writer's thread

    def _open(self) -> None:
        with in_words(self.path):
            anchor = read_anchor(self.path)
            self._create_file(anchor)
            with self._writer.begin() as connection:
                laid_out = is_laid_out(connection, self.path)
                self._head = _end(connection) if laid_out else START
                self._refuse_other_than(anchor, connection if laid_out else None)
                if not laid_out:
                    lay_out(connection)
            if anchor is None and self._head != START:
                logger.warning("The event log %s had no anchor: nobody can tell whether its end was cut.", self.path)
            write_anchor(self.path, self._head)

    def _create_file(self, anchor: Link | None) -> None:
        if self.path.exists():
            return
        if anchor is not None and anchor != START:
            raise damaged(self.path, f"the file is gone, and its anchor says that it had {anchor.position} rows")
        # Readable by its owner only: events hold the configuration of applications.
        os.close(os.open(self.path, os.O_CREAT | os.O_CLOEXEC, 0o600))

    def _refuse_other_than(self, anchor: Link | None, connection: Connection | None) -> None:
        if anchor is None:
            return
        wrong = cut(self._head, anchor)
        if wrong is None and connection is not None:
            found = connection.execute(tables.HASH_AT, {"position": anchor.position}).scalar()
            wrong = changed(found, anchor)
        if wrong is not None:
            raise damaged(self.path, wrong)

    def _append(self, stream: str, events: tuple[Event, ...], after: int) -> list[Recorded]:
        at = datetime_text(self._clock.now())
        entries = [(type(event).__name__, encode(event)) for event in events]
        rows = self._write(stream, entries, after, at)
        moment = datetime_from(at)
        return [
            Recorded(stream, row.version, row.position, moment, event) for row, event in zip(rows, events, strict=True)
        ]

    def _write(self, stream: str, entries: list[tuple[str, str]], after: int, at: str) -> list[Row]:
        try:
            with in_words(self.path), self._writer.begin() as connection:
                rows = self._chained(connection, stream, entries, after, at)
        except LogUnavailable:
            self._writer.dispose()  # a connection that met a full disk is not trusted with the next append
            raise
        if rows:
            self._head = rows[-1].link
        return rows

    def _chained(
        self, connection: Connection, stream: str, entries: list[tuple[str, str]], after: int, at: str
    ) -> list[Row]:
        version = connection.execute(tables.VERSION, {"stream": stream}).scalar_one()
        if version != after:
            raise Conflict(f"{stream} is at version {version}, not {after}: someone else appended first.")
        head = self._grown(_end(connection))
        rows: list[Row] = []
        for offset, (kind, payload) in enumerate(entries, start=1):
            row = Row(head.position + 1, stream, after + offset, at, kind, payload)
            rows.append(replace(row, hash=digest(head.hash, row)))
            head = rows[-1].link
        if rows:
            _insert(connection, rows)
        return rows

    def _grown(self, head: Link) -> Link:
        """The end of the log, which may be further than we saw last, never nearer."""
        wrong = cut(head, self._head) or (
            changed(head.hash, self._head) if head.position == self._head.position else None
        )
        if wrong is not None:
            raise damaged(self.path, wrong)
        return head

    # --- in the reader's thread

    def _read(self, stream: str, after: int) -> list[Recorded]:
        with in_words(self.path), self._reader.connect() as connection:
            found = connection.execute(tables.STREAM, {"stream": stream, "after": after}).mappings()
            read = list(sound_events(found, self.path, connection))
        for expected, one in enumerate(read, start=after + 1):
            if one.version != expected:
                raise damaged(self.path, f"version {expected} of {stream} is missing, before row {one.position}")
        return read

    def _tail(self, after: int, most: int | None) -> list[Recorded]:
        with in_words(self.path), self._reader.connect() as connection:
            found = connection.execute(tables.TAIL.limit(most), {"after": after}).mappings()
            return list(sound_events(found, self.path, connection))

    def _streams(self, prefix: str) -> list[str]:
        with in_words(self.path), self._reader.connect() as connection:
            return list(connection.execute(tables.STREAMS, {"prefix": prefix, "length": len(prefix)}).scalars())

    def _anchor_is_due(self) -> None:
        self._anchoring = None
        self._reading.submit(self._write_anchor)

    def _write_anchor(self) -> None:
        try:
            write_anchor(self.path, self._head)
        except OSError as error:
            logger.warning("The anchor of the event log %s stays behind until the next append: %s", self.path, error)


def _end(connection: Connection) -> Link:
    head = connection.execute(tables.HEAD).one_or_none()
    return START if head is None else Link(head.position, head.hash)


def _insert(connection: Connection, rows: list[Row]) -> None:
    try:
        connection.execute(tables.APPEND, [tables.values_of(row) for row in rows])
    except IntegrityError as error:
        raise Conflict(f"{rows[0].stream} was appended to by someone else first.") from error


async def _in(thread: ThreadPoolExecutor, work: Callable[..., Answer], *arguments: Any) -> Answer:
    return await asyncio.get_running_loop().run_in_executor(thread, work, *arguments)
