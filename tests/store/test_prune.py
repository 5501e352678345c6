"""What leaves by policy leaves whole, into an archive; the chain goes over the gap, and a forged gap is found."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.store.conftest import steps
from tests.store.governed import NOW, SEVEN_YEARS, Calendar, command, pruned

from headgate.model.record import Gap, RowsPruned
from headgate.ports import LogDamaged, LogUnavailable
from headgate.store.chain import Row, digest
from headgate.store.codec import encode
from headgate.store.exported import verify_export
from headgate.store.prune import Pruning
from headgate.store.sqlite import SqliteEventLog
from headgate.store.verify import verify


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "left.jsonl"


async def test_old_records_leave_and_the_rest_verifies(old: Path, archive: Path) -> None:
    told = pruned(old, archive)
    assert told is not None
    assert (told.rows, told.streams) == (6, 3)
    assert [(gap.first, gap.last) for gap in told.gaps] == [(2, 3), (5, 6), (8, 9)]
    found = verify(old)
    assert found.ok, found.problem
    assert (found.left, found.head.position) == (6, 13)
    kept = verify_export(archive)
    assert (kept.ok, kept.count) == (True, 6)
    assert told.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert b"commands:2018-03" not in old.read_bytes(), "what left is not in the file's free pages"


async def test_what_stays_is_read_over_the_gaps_and_written_behind_them(old: Path, archive: Path) -> None:
    async with SqliteEventLog(old) as log:
        pruned(old, archive)  # beside a live server
        assert [one.position for one in await log.read("environment:pcw/production")] == [1, 4, 7, 12]
        assert [one.position for one in await log.tail()] == [1, 4, 7, 10, 11, 12, 13]
        assert await log.streams("commands:") == ["commands:2026-10"]
        await log.append("environment:pcw/production", steps(4, 1), after=4)
    assert verify(old).ok


async def test_neighbouring_gaps_of_two_prunes_from_the_first_row_on(path: Path, tmp_path: Path) -> None:
    calendar = Calendar()
    async with SqliteEventLog(path, calendar) as log:
        for year in (2018, 2019):
            calendar.moment = datetime(year, 1, 5, tzinfo=UTC)
            await log.append(f"commands:{year}-01", [command(), command()], after=0)
        await log.append("environment:pcw/production", steps(0, 1), after=0)
        for number, (now, left) in enumerate([(NOW - timedelta(days=400), 2), (NOW, 4)]):
            assert pruned(path, tmp_path / str(number), now=now) is not None
            assert (verify(path).ok, verify(path).left) == (True, left)
            assert len(await log.read("environment:pcw/production")) == 1
    assert pruned(path, tmp_path / "3") is None
    assert not (tmp_path / "3").exists()


async def test_an_archive_that_is_there_is_not_written_over(old: Path, archive: Path) -> None:
    archive.write_text("mine")
    with pytest.raises(LogUnavailable, match="not there yet"):
        pruned(old, archive)
    assert archive.read_text() == "mine"
    assert verify(old).left == 0


async def test_a_damaged_log_is_not_pruned(old: Path, archive: Path) -> None:
    raw(old, "UPDATE events SET at = at || '0' WHERE position = 5")
    with pytest.raises(LogDamaged, match="row 5 "):
        pruned(old, archive)
    assert not archive.exists()


async def test_rows_that_come_while_the_archive_is_written_stay(old: Path, archive: Path) -> None:
    class Late(Pruning):
        def _take_out(self, streams: list[str], told: RowsPruned) -> None:
            super()._take_out([*streams, "commands:2026-10"], told)

    with pytest.raises(LogUnavailable, match="nothing was changed"):
        Late(old, lambda stream, last: stream < "commands:2020", SEVEN_YEARS, "ann", "why", NOW).run(archive)
    assert (verify(old).ok, verify(old).left) == (True, 0)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        sqlite3.connect(old).execute("DELETE FROM events")


# --- forged


def raw(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for verb in ("update", "delete"):
        connection.execute(f"DROP TRIGGER IF EXISTS no_{verb}")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def taken_out(
    path: Path, first: int, last: int, said: RowsPruned, change: Callable[[Gap], Gap] = lambda gap: gap
) -> None:
    """By someone who knows the chain: rows go, and a well chained row says that they left by policy."""
    connection = sqlite3.connect(path, isolation_level=None)
    rows = [Row(*columns) for columns in connection.execute("SELECT * FROM events ORDER BY position")]
    connection.close()
    by = {row.position: row for row in rows}
    gap = change(Gap(first, last, by[first - 1].hash, by[last].hash))
    payload = encode(replace(said, gaps=(gap,)))
    row = Row(rows[-1].position + 1, "audit", 1, NOW.isoformat(), "RowsPruned", payload)
    values = (*tuple(asdict(row).values())[:6], digest(rows[-1].hash, row))
    raw(path, f"DELETE FROM events WHERE position BETWEEN {first} AND {last}")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    connection.close()


SAID = RowsPruned("ann", "policy", SEVEN_YEARS, 1, 2, (), "left.jsonl", "0" * 64)


async def test_rows_that_are_too_young_did_not_leave_by_policy(old: Path) -> None:
    taken_out(old, 11, 11, SAID)
    found = verify(old)
    assert found.position == 11
    assert "rows 11 to 11 were taken out: row 13 (RowsPruned) says that they were older" in str(found.problem)


async def test_nor_under_a_policy_that_keeps_too_little(old: Path) -> None:
    taken_out(old, 11, 11, replace(SAID, keep=timedelta(days=1)))
    assert "nothing leaves before 365" in str(verify(old).problem)


@pytest.mark.parametrize(
    "change",
    [
        lambda gap: replace(gap, hash="0" * 64),
        lambda gap: replace(gap, before="0" * 64),
        lambda gap: replace(gap, last=gap.last + 1),
        lambda gap: replace(gap, first=gap.first + 1),
        lambda gap: replace(gap, last=99),
        lambda gap: replace(gap, last=-5),
    ],
    ids=["hash", "before", "longer", "shorter", "beyond the log", "backwards"],
)
async def test_a_gap_that_does_not_fit_the_chain(old: Path, change: Callable[[Gap], Gap]) -> None:
    taken_out(old, 2, 3, SAID, change)
    found = verify(old)
    assert not found.ok
    assert found.position in {2, 4}


async def test_more_rows_than_left(old: Path, archive: Path) -> None:
    pruned(old, archive)
    raw(old, "DELETE FROM events WHERE position = 4")
    assert "rows 4 to 6 are missing" in str(verify(old).problem)


async def test_a_prune_record_that_is_changed_or_taken_out(old: Path, archive: Path) -> None:
    pruned(old, archive)
    (payload,) = sqlite3.connect(old).execute("SELECT payload FROM events WHERE position = 13").fetchone()
    wider = json.loads(payload)
    wider["gaps"][0]["last"] = 4
    raw(old, f"UPDATE events SET payload = '{json.dumps(wider)}' WHERE position = 13")
    assert not verify(old).ok
    raw(old, "DELETE FROM events WHERE position = 13")
    assert "rows 2 to 3 are missing" in str(verify(old).problem)


async def test_a_row_that_is_put_back_where_others_left(old: Path, archive: Path) -> None:
    pruned(old, archive)
    raw(old, "INSERT INTO events SELECT 2, 'c', 1, at, kind, payload, hash FROM events WHERE position = 4")
    found = verify(old)
    assert (found.position, found.ok) == (2, False)


async def test_reading_over_a_gap_that_nobody_vouches_for(old: Path) -> None:
    raw(old, "DELETE FROM events WHERE position = 3")
    async with SqliteEventLog(old) as log:
        with pytest.raises(LogDamaged, match="row 3 is missing"):
            await log.read("environment:pcw/production")
