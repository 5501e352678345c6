"""What SQLite is asked for, so that an acknowledged append is on the disk."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from tests.store.conftest import steps

from headgate.ports import Conflict, LogUnavailable
from headgate.store import connections, sqlite
from headgate.store.chain import Link
from headgate.store.sqlite import SqliteEventLog
from headgate.store.verify import verify


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_every_writing_connection_is_durable(written: Path, pragma: str, value: object) -> None:
    engine = connections.writer(written)
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    engine.dispose()


async def test_what_was_appended_is_there_after_reopening(path: Path) -> None:
    async with SqliteEventLog(path) as log:
        appended = await log.append("a", steps(0, 3), after=0)
    async with SqliteEventLog(path) as log:
        assert await log.read("a") == appended
        assert (await log.append("a", steps(3, 1), after=3))[0].position == 4


async def test_times_come_from_the_clock_that_is_given(path: Path) -> None:
    class Clock:
        def now(self) -> datetime:
            return datetime(2030, 1, 1, tzinfo=UTC)

    async with SqliteEventLog(path, Clock()) as log:
        (one,) = await log.append("a", steps(0, 1), after=0)
        assert one.at == datetime(2030, 1, 1, tzinfo=UTC)
        assert await log.read("a") == [one]


async def test_without_a_clock_it_is_now(path: Path) -> None:
    async with SqliteEventLog(path) as log:
        (one,) = await log.append("a", steps(0, 1), after=0)
    assert abs(datetime.now(UTC) - one.at) < timedelta(minutes=1)


async def test_an_event_that_cannot_be_written_leaves_nothing_of_its_append(path: Path) -> None:
    async with SqliteEventLog(path) as log:
        with pytest.raises(TypeError):
            await log.append("a", [*steps(0, 2), *steps(2, 1, why=object())], after=0)  # type: ignore[arg-type]
        assert await log.tail() == []
        await log.append("a", steps(0, 1), after=0)


async def test_a_log_that_another_process_holds_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BUSY", 0.1)
    async with SqliteEventLog(path) as log:
        other = connections.writer(path)
        with other.begin():
            with pytest.raises(LogUnavailable, match="locked by another process"):
                await log.append("a", steps(0, 1), after=0)
            assert await log.read("a") == []  # readers do not wait
        await log.append("a", steps(0, 1), after=0)
        other.dispose()


async def test_the_event_loop_goes_on_while_a_long_history_is_read(path: Path) -> None:
    async with SqliteEventLog(path) as log:
        await log.append("a", steps(0, 5000), after=0)
        beats = 0
        reading = asyncio.create_task(log.read("a"))
        while not reading.done():
            await asyncio.sleep(0.001)
            beats += 1
        assert len(await reading) == 5000
        assert beats > 3


async def test_what_an_append_checked_still_holds_when_it_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loser waits for the winner's whole append, and then learns that it lost."""

    def slow_end(connection: Connection) -> Link:
        time.sleep(0.2)
        return end(connection)

    end = sqlite._end
    async with SqliteEventLog(path) as one, SqliteEventLog(path) as other:
        monkeypatch.setattr(sqlite, "_end", slow_end)
        rivals = (log.append("a", steps(0, 1), after=0) for log in (one, other))
        answers = await asyncio.gather(*rivals, return_exceptions=True)
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [Conflict]
    assert verify(path).count == 1
