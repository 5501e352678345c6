"""Writes: several processes on one file, a database that goes away and comes back, a bounded memory."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from quotes.database import Database, Record
from quotes.journal import Journal
from quotes.settings import SettingsError

SOON = timedelta(milliseconds=10)
WRITER = """
import sys
from datetime import timedelta
from quotes.database import Database
database = Database(sys.argv[1], timedelta(seconds=5))
for n in range(50):
    database.write([dict(id=f"{sys.argv[2]}-{n}-{m}", created_at="", kind="", release="", enquiry="", answer="")
                    for m in range(10)])
"""


def record(id: str) -> Record:
    return {"id": id, "created_at": "2026-01-01", "kind": "motor", "release": "r", "enquiry": "{}", "answer": id}


def test_processes_share_one_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/pcw.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, str(n)], env=environment) for n in range(3)]
    assert [writer.wait(timeout=30) for writer in writers] == [0, 0, 0]
    database = Database(url, timedelta(seconds=1))
    assert all(database.read(f"{w}-{n}-{m}") == "" for w in range(3) for n in range(50) for m in range(10))


def test_writing_the_same_batch_twice_is_no_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/pcw.db", timedelta(seconds=1))
    database.write([record("a")])
    database.write([record("a"), record("b")])
    assert database.read("b") == "b"


def test_waits_for_a_database_that_is_away(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    database = Database(f"sqlite:///{folder}/pcw.db", timedelta(seconds=1))

    async def scenario() -> None:
        journal = Journal(database, SOON, max_pending=10)
        running = asyncio.create_task(journal.run())
        journal.add(record("a"))
        await asyncio.sleep(0.1)
        assert await journal.find("a") == "a"
        folder.mkdir()
        journal.stop()
        await running

    asyncio.run(scenario())
    assert database.read("a") == "a"


def test_gives_up_the_oldest_when_memory_is_full(tmp_path: Path) -> None:
    journal = Journal(Database(f"sqlite:///{tmp_path}/pcw.db", SOON), SOON, max_pending=2)
    for id in "abc":
        journal.add(record(id))
    assert journal.lost == 1
    assert asyncio.run(journal.find("a")) is None
    assert asyncio.run(journal.find("c")) == "c"


@pytest.mark.parametrize("url", ["not a url", "mysql://u:secret@h/d"])  # pragma: allowlist secret
def test_a_database_url_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL") as caught:
        Database(url, SOON)
    assert "secret" not in str(caught.value)


@pytest.mark.skipif("TEST_POSTGRES_URL" not in os.environ, reason="TEST_POSTGRES_URL names no PostgreSQL database")
def test_postgresql() -> None:
    database = Database(os.environ["TEST_POSTGRES_URL"], timedelta(seconds=2))
    database.check()
    database.write([record("a")])
    database.write([record("a"), record("b")])
    assert (database.read("a"), database.read("c")) == ("a", None)
