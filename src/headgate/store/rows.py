"""Rows on their way out: nothing is decided on a row that does not fit its hash."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Connection, RowMapping

from headgate.model.events import Recorded
from headgate.store.chain import GENESIS, Row, digest
from headgate.store.codec import datetime_from, decode
from headgate.store.failures import damaged
from headgate.store.gaps import left
from headgate.store.tables import row_of

BREATH = 40  # rows, about two milliseconds of work; letting go costs a twentieth of one


def sound_events(found: Iterable[RowMapping], path: Path, connection: Connection) -> Iterator[Recorded]:
    """Each row comes with the hash of the row before it, as `hash_before`. Raises LogDamaged."""
    gone: dict[int, str] | None = None  # position of the last row that left -> its hash
    for number, columns in enumerate(found):
        if number % BREATH == 0:
            time.sleep(0)  # lets go of the interpreter: an append must not wait until a long history is decoded
        row, before = row_of(columns), columns["hash_before"]
        if before is None and row.position > 1:
            gone = {one.gap.last: one.gap.hash for one in left(connection).values()} if gone is None else gone
            before = gone.get(row.position - 1)
        _check(row, before, path)
        yield Recorded(row.stream, row.version, row.position, datetime_from(row.at), decode(row.kind, row.payload))


def _check(row: Row, before: str | None, path: Path) -> None:
    if before is None and row.position != 1:
        raise damaged(path, f"row {row.position - 1} is missing")
    if digest(before or GENESIS, row) != row.hash:
        raise damaged(
            path, f"row {row.position}, version {row.version} of {row.stream}, or the one before it was changed"
        )
