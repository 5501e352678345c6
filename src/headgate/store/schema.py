"""Lays out an empty log, and refuses one that this Headgate cannot read."""

from pathlib import Path

from sqlalchemy import DDL, Connection, event, inspect, select

from headgate.ports import LogTooNew
from headgate.store.failures import damaged
from headgate.store.tables import STAMP, events, metadata, schema

CURRENT = "0001"

for verb in ("UPDATE", "DELETE"):
    # A seat belt against a slip of the hand. Against intent there is the chain.
    refusal = "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
    trigger = DDL(f"CREATE TRIGGER no_{verb.lower()} BEFORE {verb} ON events {refusal}")
    event.listen(events, "after_create", trigger.execute_if(dialect="sqlite"))


def is_laid_out(connection: Connection, path: Path) -> bool:
    """False: an empty database. Raises where it holds something else than this Headgate can read."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return False
    if not set(metadata.tables) <= tables:
        raise damaged(path, f"it is a database of something else, with tables {', '.join(sorted(tables))}")
    found = connection.execute(select(schema.c.version_num)).scalar()
    if found != CURRENT:
        raise LogTooNew(
            f"The event log {path} has schema {found}, this Headgate knows {CURRENT}. A newer Headgate wrote it: "
            "run that version or a later one on this data folder."
        )
    return True


def lay_out(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    connection.execute(STAMP, {"version_num": CURRENT})
