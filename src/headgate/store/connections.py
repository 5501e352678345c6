"""Connections to an SQLite file: how it is opened decides what an acknowledged append is worth."""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

BUSY = 5.0  # seconds to wait for another process's write
DURABLE = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # every commit is on the disk before it returns
    "PRAGMA foreign_keys=ON",
    "PRAGMA cell_size_check=ON",  # garbage in a page is reported, not followed
    "PRAGMA trusted_schema=OFF",
)


def writer(path: Path) -> Engine:
    engine = _engine(path, mode="rw", pragmas=DURABLE)
    event.listen(engine, "begin", _take_write_lock)
    return engine


def reader(path: Path) -> Engine:
    """Beside a live writer: each statement sees one state of the log."""
    return _engine(path, mode="rw", pragmas=DURABLE)


def examiner(path: Path) -> Engine:
    """Changes nothing, and reads what is no longer text too."""
    return _engine(path, mode="ro", pragmas=("PRAGMA cell_size_check=ON",), any_text=True)


def _take_write_lock(connection: Connection) -> None:
    """At once, not at the first write: what an append checks first must still hold when it writes."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _engine(path: Path, mode: str, pragmas: tuple[str, ...], any_text: bool = False) -> Engine:
    uri = f"{path.absolute().as_uri()}?mode={mode}"

    def connect() -> sqlite3.Connection:
        made = sqlite3.connect(uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False)
        if any_text:
            made.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        try:
            for pragma in pragmas:
                made.execute(pragma)
        except sqlite3.Error:
            made.close()
            raise
        return made

    return create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=1, max_overflow=0)
