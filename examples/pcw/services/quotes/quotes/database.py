"""Answered enquiries in SQLite or PostgreSQL. Everything here blocks: call it from a thread.

Several processes may share one SQLite file: write-ahead log, so that readers and the one writer do not wait for each
other, and a busy timeout, so that two writers take turns.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypedDict

from sqlalchemy import Column, Engine, Index, MetaData, String, Table, Text, create_engine, event, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.schema import CreateIndex, CreateTable

from quotes.settings import SettingsError

metadata = MetaData()
enquiries = Table(
    "enquiries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("created_at", String(40), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("release", String(80), nullable=False),
    Column("enquiry", Text, nullable=False),
    Column("answer", Text, nullable=False),
)
by_time = Index("enquiries_created_at", enquiries.c.created_at)

# Any fixed number: processes that start at the same moment take turns at creating the table.
CREATE_LOCK = 726_177_001


class Record(TypedDict):
    id: str
    created_at: str
    kind: str
    release: str
    enquiry: str
    answer: str


class Database:
    def __init__(self, url: str, timeout: timedelta) -> None:
        self._engine = _open(_parse(url), timeout)
        self._insert = _insert_once(self._engine)
        self._created = False

    def check(self) -> None:
        """Raises SQLAlchemyError when the database does not answer; creates the table at the first success."""
        self._create_once()
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def write(self, records: Sequence[Record]) -> None:
        self._create_once()
        with self._engine.begin() as connection:
            connection.execute(self._insert, records)

    def read(self, id: str) -> str | None:
        self._create_once()
        with self._engine.connect() as connection:
            return connection.execute(select(enquiries.c.answer).where(enquiries.c.id == id)).scalar_one_or_none()

    def close(self) -> None:
        self._engine.dispose()

    def _create_once(self) -> None:
        if self._created:
            return
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CREATE_LOCK})
            connection.execute(CreateTable(enquiries, if_not_exists=True))
            connection.execute(CreateIndex(by_time, if_not_exists=True))
        self._created = True


def _parse(raw: str) -> URL:
    # Hosting services hand out postgres://, a name that SQLAlchemy does not know.
    try:
        url = make_url(raw.replace("postgres://", "postgresql://", 1) if raw.startswith("postgres://") else raw)
    except ArgumentError:
        # Not echoed: it may hold a password.
        raise SettingsError("environment variable DATABASE_URL is not a database URL; "
                            "allowed are sqlite:////absolute/path.db and postgresql://user@host/name") from None
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return url
    raise SettingsError(f"environment variable DATABASE_URL names {backend}; allowed are sqlite and postgresql")


def _open(url: URL, timeout: timedelta) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": timeout.total_seconds()})
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    seconds = max(1, round(timeout.total_seconds()))
    options = f"-c statement_timeout={seconds * 1000}"
    return create_engine(
        url, pool_pre_ping=True, pool_timeout=seconds, connect_args={"connect_timeout": seconds, "options": options}
    )


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # NORMAL: a killed process loses nothing committed; a power cut may lose the last commits, never the file.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _insert_once(engine: Engine) -> Any:
    """A batch whose commit was in doubt is written again, so a row that is already there is no error."""
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    return dialect.insert(enquiries).on_conflict_do_nothing(index_elements=["id"])
