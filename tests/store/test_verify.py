"""Nothing in the log can be changed, taken out, moved, doubled or cut off without `audit verify` saying so."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store.conftest import steps

from headgate.ports import LogDamaged, LogUnavailable
from headgate.store import sqlite
from headgate.store.anchor import anchor_path
from headgate.store.chain import GENESIS, Row, digest
from headgate.store.sqlite import SqliteEventLog
from headgate.store.verify import verify

Tamper = Callable[..., None]

SWAP = (
    "UPDATE events SET position = -5 WHERE position = 5",
    "UPDATE events SET position = 5 WHERE position = 9",
    "UPDATE events SET position = 9 WHERE position = -5",
)
CLOSED_UP = (
    "DELETE FROM events WHERE position = 5",
    "UPDATE events SET position = position - 1 WHERE position > 5",
)
# SQLite cannot drop a constraint: whoever wants a position twice rebuilds the table.
REBUILT = (
    "CREATE TABLE copy AS SELECT * FROM events",
    "DROP TABLE events",
    "ALTER TABLE copy RENAME TO events",
)


def test_a_sound_log_verifies(written: Path) -> None:
    found = verify(written)
    assert found.ok
    assert found.count == found.head.position == 12
    assert found.head == found.anchor


async def test_an_empty_log_verifies_from_the_first_moment(path: Path) -> None:
    async with SqliteEventLog(path):
        pass
    assert verify(path).ok
    assert verify(path).count == 0


@pytest.mark.parametrize(
    ("statements", "position", "says"),
    [
        (["UPDATE events SET payload = replace(payload, 'done', 'gone') WHERE position = 7"], 7, "was changed"),
        (["UPDATE events SET payload = payload || ' ' WHERE position = 7"], 7, "was changed"),
        (["UPDATE events SET payload = x'ff00' WHERE position = 7"], 7, "was changed"),
        (["UPDATE events SET payload = CAST(x'7b80ff' AS TEXT) WHERE position = 7"], 7, "was changed"),
        (["UPDATE events SET at = '2020-01-01T00:00:00+00:00' WHERE position = 1"], 1, "was changed"),
        (["UPDATE events SET kind = 'RolloutAborted' WHERE position = 12"], 12, "was changed"),
        (["UPDATE events SET stream = 'c', version = 1 WHERE position = 12"], 12, "was changed"),
        (["UPDATE events SET version = 99 WHERE position = 12"], 12, "was changed"),
        ([f"UPDATE events SET hash = '{'0' * 64}' WHERE position = 4"], 4, "was changed"),
        (["UPDATE events SET hash = 'nonsense' WHERE position = 4"], 4, "was changed"),
        (["DELETE FROM events WHERE position = 1"], 1, "row 1 is missing"),
        (["DELETE FROM events WHERE position IN (5, 6, 7)"], 5, "rows 5 to 7 are missing"),
        (CLOSED_UP, 5, "was changed"),
        (SWAP, 5, "belongs at 5 stands at 9: rows were reordered"),
        (["UPDATE events SET position = 40 WHERE position = 5"], 5, "belongs at 5 stands at 40: rows were reordered"),
        ([*REBUILT, "INSERT INTO events SELECT * FROM events WHERE position = 5"], 6, "position 5 is there twice"),
        (["UPDATE events SET stream = CASE stream WHEN 'a' THEN 'c' ELSE 'a' END",
          "UPDATE events SET stream = 'b' WHERE stream = 'c'"], 1, "was changed"),
        (["INSERT INTO events SELECT 13, 'c', 1, at, kind, payload, hash FROM events LIMIT 1"], 13, "was changed"),
        (["DELETE FROM events WHERE position > 9"], None, "ends at 9, the anchor says 12"),
        (["DELETE FROM events"], None, "ends at 0, the anchor says 12"),
        (["DROP TABLE events"], None, "a database of something else"),
    ],
)  # fmt: skip
def test_tampering_is_found(
    written: Path, tamper: Tamper, statements: list[str], position: int | None, says: str
) -> None:
    tamper(*statements)
    found = verify(written)
    assert not found.ok
    assert found.position == position
    assert says in str(found.problem)


@pytest.mark.parametrize("column", ["stream", "version", "at", "kind", "payload", "hash"])
@pytest.mark.parametrize("position", [1, 6, 12])
def test_a_change_of_any_field_of_any_row_is_found(written: Path, tamper: Tamper, column: str, position: int) -> None:
    tamper(f"UPDATE events SET {column} = {column} || '0' WHERE position = {position}")
    assert verify(written).position == position


@pytest.mark.slow
def test_any_field_of_any_row(written: Path, tamper: Tamper) -> None:
    """Each of them by itself, told with its row."""
    sound = written.read_bytes()
    for position in range(1, 13):
        for column in ("stream", "version", "at", "kind", "payload", "hash"):
            written.write_bytes(sound)
            tamper(f"UPDATE events SET {column} = substr({column}, 2) || 'x' WHERE position = {position}")
            found = verify(written)
            assert found.position == position, f"{column} of row {position}"
            assert f"row {position} (" in str(found.problem)


def rehash(path: Path, change: Callable[[Row], Row | None]) -> None:
    """What someone does who knows the chain: change rows and hash everything anew."""
    connection = sqlite3.connect(path, isolation_level=None)
    rows = [change(Row(*columns)) for columns in connection.execute("SELECT * FROM events ORDER BY position")]
    connection.execute("DROP TRIGGER no_delete")
    connection.execute("DELETE FROM events")
    before = GENESIS
    for position, row in enumerate((row for row in rows if row is not None), start=1):
        moved = replace(row, position=position)
        before = digest(before, moved)
        values = (position, row.stream, row.version, row.at, row.kind, row.payload, before)
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    connection.close()


def test_a_log_that_was_hashed_anew_is_not_the_one_of_the_anchor(written: Path) -> None:
    rehash(written, lambda row: replace(row, payload=row.payload.replace("done", "gone")))
    assert "row 12 is not the one that the anchor names" in str(verify(written).problem)


def test_a_version_gap_is_found_even_where_all_hashes_fit(written: Path) -> None:
    rehash(written, lambda row: None if (row.stream, row.version) == ("a", 3) else row)
    found = verify(written)
    assert found.position == 4
    assert "version 4 of a) stands where version 3 belongs (version gap)" in str(found.problem)


def test_without_its_anchor_the_end_is_not_vouched_for(written: Path) -> None:
    anchor_path(written).unlink()
    assert "is gone, so nobody can tell whether the end of the log was cut" in str(verify(written).problem)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"position": "x", "hash": 1}', "\x00"])
def test_an_anchor_that_makes_no_sense_is_named(written: Path, content: str) -> None:
    anchor_path(written).write_text(content)
    assert str(anchor_path(written)) in str(verify(written).problem)


def test_the_chain_is_made_as_it_always_was() -> None:
    """Fails where a change would make every log that was written before it look tampered with."""
    row = Row(1, "application:pcw", 1, "2026-11-23T12:00:00+00:00", "StepCompleted", '{"index":1}')
    assert digest(GENESIS, row) == "93635e1bd7a6568e9a61d30309faa16c1c881150df545d738bb98c56aec48b78"


def test_an_index_that_hides_a_row_is_found(written: Path) -> None:
    """Streams are read through an index: a row that is missing there would be missed silently at a stream's end."""
    content = bytearray(written.read_bytes())
    leaves = [page for page in range(0, len(content), 4096) if content[page] == 0x0A]  # 0x0A: a leaf of an index
    place = next(at for page in leaves if (at := content.find(b"b\x04", page, page + 4096)) >= 0)  # b, version 4
    content[place] = ord("c")
    written.write_bytes(content)
    assert "does not fit together" in str(verify(written).problem)


def test_a_log_that_is_not_there_is_said(path: Path) -> None:
    with pytest.raises(LogUnavailable, match="no event log at"):
        verify(path)


async def test_verifies_beside_a_live_server_and_changes_nothing(written: Path) -> None:
    async with SqliteEventLog(written) as log:
        await log.append("a", steps(8, 3), after=8)
        found = verify(written)
        assert found.ok
        assert found.count == 15
        await log.append("a", steps(11, 1), after=11)
    before = written.read_bytes()
    assert verify(written).count == 16
    assert written.read_bytes() == before


async def test_the_triggers_stop_a_slip_of_the_hand(written: Path) -> None:
    connection = sqlite3.connect(written)
    for slip in ("UPDATE events SET payload = '{}'", "DELETE FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(slip)
    connection.close()
    assert verify(written).ok


# --- nothing is decided on rows that do not fit


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE events SET payload = replace(payload, 'done', 'gone') WHERE position = 7", "row 7"),
        ("UPDATE events SET hash = 'nonsense' WHERE position = 7", "row 7"),
        ("DELETE FROM events WHERE position = 7", "row 7 is missing|version 5 of a is missing"),
        ("UPDATE events SET payload = CAST(x'7b80ff' AS TEXT) WHERE position = 7", "decode"),
    ],
)
async def test_reading_notices_too(written: Path, tamper: Tamper, statement: str, says: str) -> None:
    tamper(statement)
    async with SqliteEventLog(written) as log:
        for read in (log.read("a"), log.tail()):
            with pytest.raises(LogDamaged, match=says) as refusal:
                await read
            assert "audit verify" in str(refusal.value)
            assert str(written) in str(refusal.value)


async def test_a_cut_log_is_not_opened_and_its_anchor_is_kept_as_evidence(written: Path, tamper: Tamper) -> None:
    evidence = anchor_path(written).read_text()
    tamper("DELETE FROM events WHERE position > 9")
    with pytest.raises(LogDamaged, match="ends at 9, the anchor says 12"):
        await SqliteEventLog(written).open()
    assert anchor_path(written).read_text() == evidence


async def test_a_log_that_is_cut_under_the_server_gets_no_further_rows(written: Path, tamper: Tamper) -> None:
    async with SqliteEventLog(written) as log:
        tamper("DELETE FROM events WHERE position > 9")
        with pytest.raises(LogDamaged, match="its end was cut"):
            await log.append("a", steps(6, 1), after=6)


async def test_the_anchor_follows_within_a_second(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sqlite.ANCHOR_DELAY <= 1.0
    monkeypatch.setattr(sqlite, "ANCHOR_DELAY", 0.05)
    async with SqliteEventLog(path) as log:
        await log.append("a", steps(0, 3), after=0)
        for _ in range(300):
            await asyncio.sleep(0.01)
            if json.loads(anchor_path(path).read_text())["position"] == 3:
                return
    pytest.fail("the anchor stayed behind")
