"""The contract of the event log, for the real one and for the fake."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.store.sqlite import SqliteEventLog
from headgate.testing.contracts.eventlog import EventLogContract
from headgate.testing.fakes.eventlog import MemoryEventLog


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 23, 12, tzinfo=UTC)


class TestSqlite(EventLogContract):
    @pytest.fixture
    async def log(self, tmp_path: Path) -> AsyncIterator[SqliteEventLog]:
        async with SqliteEventLog(tmp_path / "headgate.db") as log:
            yield log


class TestMemory(EventLogContract):
    @pytest.fixture
    async def log(self) -> MemoryEventLog:
        return MemoryEventLog(Noon())
