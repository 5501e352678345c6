"""Rows on their way out: nothing is decided on a row that does not fit its hash."""

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import RowMapping

from headgate.model.events import Recorded
from headgate.store.chain import GENESIS, Row, digest
from headgate.store.codec import datetime_from, decode
from headgate.store.failures import damaged
from headgate.store.tables import row_of


def sound_rows(found: Iterable[RowMapping], path: Path) -> list[Row]:
    """Each with the hash of the row before it beside it, as `hash_before`. Raises LogDamaged."""
    return [_sound(row_of(columns), columns["hash_before"], path) for columns in found]


def _sound(row: Row, before: str | None, path: Path) -> Row:
    if before is None and row.position != 1:
        raise damaged(path, f"row {row.position - 1} is missing")
    if digest(before or GENESIS, row) != row.hash:
        raise damaged(
            path, f"row {row.position}, version {row.version} of {row.stream}, or the one before it was changed"
        )
    return row


def recorded(row: Row) -> Recorded:
    return Recorded(row.stream, row.version, row.position, datetime_from(row.at), decode(row.kind, row.payload))
