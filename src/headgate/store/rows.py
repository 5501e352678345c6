"""Rows on their way out: nothing is decided on a row that does not fit its hash."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import RowMapping

from headgate.model.events import Recorded
from headgate.store.chain import GENESIS, Row, digest
from headgate.store.codec import datetime_from, decode
from headgate.store.failures import damaged
from headgate.store.tables import row_of

BREATH = 40  # rows, about two milliseconds of work; letting go costs a twentieth of one


def sound_events(found: Iterable[RowMapping], path: Path) -> Iterator[Recorded]:
    """Each row comes with the hash of the row before it, as `hash_before`. Raises LogDamaged."""
    for number, columns in enumerate(found):
        if number % BREATH == 0:
            time.sleep(0)  # lets go of the interpreter: an append must not wait until a long history is decoded
        row = row_of(columns)
        _check(row, columns["hash_before"], path)
        yield Recorded(row.stream, row.version, row.position, datetime_from(row.at), decode(row.kind, row.payload))


def _check(row: Row, before: str | None, path: Path) -> None:
    if before is None and row.position != 1:
        raise damaged(path, f"row {row.position - 1} is missing")
    if digest(before or GENESIS, row) != row.hash:
        raise damaged(
            path, f"row {row.position}, version {row.version} of {row.stream}, or the one before it was changed"
        )
