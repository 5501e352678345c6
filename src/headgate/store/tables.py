"""The tables and every statement on them, in SQL that SQLite and PostgreSQL share."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from headgate.store.chain import Row

PRUNING = "audit"  # the stream
metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("position", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Text, nullable=False),  # ISO 8601, as it was hashed
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),  # JSON, as it was hashed
    Column("hash", Text, nullable=False),
    UniqueConstraint("stream", "version", name="one_event_per_version"),
)

# Named as Alembic names it: the first migration finds its stamp (docs/adr/0002).
schema = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))

before = events.alias("before")

HEAD = select(events.c.position, events.c.hash).order_by(events.c.position.desc()).limit(1)
HEAD_STREAM = select(events.c.stream).order_by(events.c.position.desc()).limit(1)
HASH_AT = select(events.c.hash).where(events.c.position == bindparam("position"))
VERSION = select(func.coalesce(func.max(events.c.version), 0)).where(events.c.stream == bindparam("stream"))
ALL = select(events).order_by(events.c.position)
WITH_HASH_BEFORE: Select[Any] = select(events, before.c.hash.label("hash_before")).outerjoin(
    before, before.c.position == events.c.position - 1
)
STREAM = (
    WITH_HASH_BEFORE.where(events.c.stream == bindparam("stream"), events.c.version > bindparam("after"))
    .order_by(events.c.version)
)  # fmt: skip
TAIL = WITH_HASH_BEFORE.where(events.c.position > bindparam("after")).order_by(events.c.position)
# Each stream has exactly one version 1. Not LIKE: SQLite's ignores case.
STREAMS = (
    select(events.c.stream)
    .where(events.c.version == 1, func.substr(events.c.stream, 1, bindparam("length")) == bindparam("prefix"))
    .order_by(events.c.position)
)
# What left by policy says itself what the chain goes over: see model.record.RowsPruned.
PRUNED = select(events.c.position, events.c.at, events.c.payload).where(
    events.c.stream == PRUNING, events.c.kind == "RowsPruned"
)
LATEST = select(events.c.stream, func.max(events.c.at)).group_by(events.c.stream)
OF_STREAM = delete(events).where(events.c.stream == bindparam("leaving"))
APPEND = insert(events)
STAMP = insert(schema)


def row_of(columns: RowMapping) -> Row:
    return Row(*(columns[name] for name in ("position", "stream", "version", "at", "kind", "payload", "hash")))


def values_of(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("position", "stream", "version", "at", "kind", "payload", "hash")}
