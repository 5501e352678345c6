"""The event log as it is on the disk, read beside the server or without one."""

import sqlite3
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from headgate.engine import story
from headgate.model.events import Recorded
from headgate.store.codec import decode


class Journal:
    """Events of one stream."""

    def __init__(self, path: Path, stream: str) -> None:
        self.path = path
        self.stream = stream
        self._read: list[Recorded] = []
        self._connection: sqlite3.Connection | None = None

    def events(self) -> list[Recorded]:
        """All so far. Cheap enough to be asked every other millisecond."""
        if self._connection is None:
            self._connection = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, timeout=5)
        query = (
            "SELECT version, position, at, kind, payload FROM events WHERE stream = ? AND version > ? ORDER BY version"
        )
        for version, position, at, kind, payload in self._connection.execute(query, (self.stream, len(self._read))):
            event = decode(kind, payload)
            self._read.append(Recorded(self.stream, version, position, datetime.fromisoformat(at), event))
        return self._read

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def lines(self) -> list[str]:
        """For who reads a failure."""
        with suppress(sqlite3.Error):  # damaged by the test, or not there yet: what was read before is told
            self.events()
        return [f"{one.at:%H:%M:%S.%f} {one.version:3} {story.sentence(one.event)}" for one in self._read]
