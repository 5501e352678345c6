"""Logs to try things on."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.model.events import StepCompleted
from headgate.model.ids import RolloutId
from headgate.store.sqlite import SqliteEventLog

Steps = Callable[[int, int], list[StepCompleted]]


def steps(first: int, count: int, why: str = "done") -> list[StepCompleted]:
    return [StepCompleted(RolloutId("rol_1"), index, why) for index in range(first, first + count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "headgate.db"


@pytest.fixture
async def written(path: Path) -> Path:
    """A log of twelve rows: two streams, a, a, b, a, a, b, ..."""
    async with SqliteEventLog(path) as log:
        for turn in range(4):
            await log.append("a", steps(2 * turn, 2), after=2 * turn)
            await log.append("b", steps(turn, 1), after=turn)
    return path


@pytest.fixture(scope="session")
def made_years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.store.governed import years

    return asyncio.run(years(tmp_path_factory.mktemp("years") / "headgate.db"))


@pytest.fixture
def old(made_years: Path, path: Path) -> Path:
    """A copy of `governed.years`, with its anchor."""
    for file in made_years.parent.glob("headgate.db*"):
        shutil.copy(file, path.parent)
    return path


@pytest.fixture
def tamper(written: Path) -> Callable[..., None]:
    """Changes the file behind the log's back, as one can who has the disk."""

    def run(*statements: str) -> None:
        connection = sqlite3.connect(written, isolation_level=None)
        connection.execute("DROP TRIGGER no_update")
        connection.execute("DROP TRIGGER no_delete")
        for statement in statements:
            connection.execute(statement)
        connection.close()

    return run
