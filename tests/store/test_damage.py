"""A damaged file is a sentence with the path, what is wrong and the remedy: never a traceback, never a fresh start."""

import os
import random
import sqlite3
from pathlib import Path

import pytest
from tests.store.conftest import steps

from headgate.ports import LogDamaged, LogTooNew, LogUnavailable
from headgate.store.anchor import anchor_path
from headgate.store.sqlite import SqliteEventLog
from headgate.store.verify import verify


async def open_and_read(path: Path) -> None:
    async with SqliteEventLog(path) as log:
        await log.read("long")
        await log.tail()


@pytest.fixture
async def long(path: Path) -> Path:
    """A log of 2,000 rows, some hundred pages, nothing left in the write-ahead file."""
    async with SqliteEventLog(path) as log:
        await log.append("long", steps(0, 2000, why="x" * 100), after=0)
    assert path.stat().st_size > 400_000
    return path


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def truncated(path: Path) -> None:
    os.truncate(path, 200_000)


def truncated_to_nothing(path: Path) -> None:
    os.truncate(path, 0)


def garbage_pages(path: Path) -> None:
    overwrite(path, 8192, random.Random(1).randbytes(100_000))


def garbage_header(path: Path) -> None:
    overwrite(path, 0, b"\xff" * 100)


def not_a_database(path: Path) -> None:
    path.write_text("Dear diary, today I tidied the data folder.\n" * 100)


def another_database(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()


def without_column(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE events RENAME COLUMN payload TO cargo")
    connection.close()


def removed(path: Path) -> None:
    path.unlink()


DAMAGE = [
    truncated, truncated_to_nothing, garbage_pages, garbage_header, not_a_database, another_database, without_column,
]  # fmt: skip


@pytest.mark.parametrize("damage", [*DAMAGE, removed], ids=lambda damage: damage.__name__)
async def test_the_server_names_what_is_wrong_and_the_remedy(long: Path, damage) -> None:  # type: ignore[no-untyped-def]
    damage(long)
    with pytest.raises(LogDamaged) as refusal:
        await open_and_read(long)
    text = str(refusal.value)
    assert str(long) in text
    assert "restore" in text
    assert "headgate audit verify" in text
    assert "\n" not in text


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_verify_reports_it(long: Path, damage) -> None:  # type: ignore[no-untyped-def]
    damage(long)
    found = verify(long)
    assert not found.ok
    assert found.problem


async def test_any_overwritten_stretch_is_found(long: Path) -> None:
    """Where it happens to hit nothing that counts, the log reads as before."""
    sound = long.read_bytes()
    dice = random.Random(7)
    found = 0
    for _ in range(25):
        overwrite(long, dice.randrange(100, len(sound) - 64), dice.randbytes(64))
        try:
            found += not verify(long).ok
        finally:
            long.write_bytes(sound)
    assert found >= 20
    assert verify(long).ok


@pytest.mark.parametrize("where", [anchor_path], ids=["anchor"])
async def test_a_damaged_anchor_is_named(long: Path, where) -> None:  # type: ignore[no-untyped-def]
    where(long).write_bytes(b"\xff\x00")
    with pytest.raises(LogDamaged, match=r"headgate\.db\.anchor cannot be understood"):
        await open_and_read(long)


async def test_a_deleted_anchor_is_written_anew_with_a_warning(long: Path, caplog: pytest.LogCaptureFixture) -> None:
    anchor_path(long).unlink()
    await open_and_read(long)
    assert "had no anchor" in caplog.text
    assert verify(long).ok


async def test_a_schema_of_a_newer_headgate_is_refused(long: Path) -> None:
    connection = sqlite3.connect(long)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '0042'")
    connection.close()
    with pytest.raises(LogTooNew, match="schema 0042, this Headgate knows 0001"):
        await open_and_read(long)
    with pytest.raises(LogTooNew):
        verify(long)


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="No such file"):
        await SqliteEventLog(tmp_path / "nowhere" / "headgate.db").open()


async def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="unable to open"):
        await SqliteEventLog(tmp_path).open()


async def test_a_path_with_characters_that_mean_something_in_addresses(tmp_path: Path) -> None:
    folder = tmp_path / "a?mode=memory #1 50% é"
    folder.mkdir()
    async with SqliteEventLog(folder / "headgate.db") as log:
        await log.append("a", steps(0, 1), after=0)
    assert (folder / "headgate.db").stat().st_size > 0
    assert verify(folder / "headgate.db").count == 1


async def test_only_its_owner_may_read_the_log(written: Path) -> None:
    async with SqliteEventLog(written) as log:
        await log.append("a", steps(8, 1), after=8)
        modes = {file.name: file.stat().st_mode & 0o777 for file in written.parent.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert len(modes) == 4  # the log, its write-ahead file and index, its anchor
