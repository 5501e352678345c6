"""Rows that left by policy: what later rows of the chain say of them, and whether that can be believed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from headgate.model.record import LEAST_KEPT, Gap, RowsPruned
from headgate.ports import LogTooNew
from headgate.store import tables
from headgate.store.chain import Link
from headgate.store.codec import datetime_from, decode

CLOCK = timedelta(days=1)  # that clocks may have been set back by


@dataclass(frozen=True, slots=True)
class Left:
    gap: Gap
    told: int  # position of the row that says so
    at: datetime
    keep: timedelta

    @property
    def end(self) -> Link:
        return Link(self.gap.last, self.gap.hash)

    def follows(self, end: Link) -> bool:
        gap = self.gap
        return gap.first == end.position + 1 and gap.before == end.hash and gap.first <= gap.last < self.told

    def doubtful(self, before: datetime | None) -> str | None:
        """Why no policy let these rows go. `before`: the moment of the row in front of them."""
        rows = f"rows {self.gap.first} to {self.gap.last} were taken out: row {self.told} (RowsPruned) says"
        if self.keep < LEAST_KEPT:
            return f"{rows} that all older than {self.keep.days} days left, and nothing leaves before {LEAST_KEPT.days}"
        if before is not None and before > self.at - self.keep + CLOCK:
            return f"{rows} that they were older than {self.keep.days} days, and the row before is of {before:%Y-%m-%d}"
        return None


def left(connection: Connection) -> dict[int, Left]:
    """By the first position. The rows that say so are examined themselves when their turn comes; nonsense is none."""
    found: dict[int, Left] = {}
    for position, at, payload in connection.execute(tables.PRUNED):
        try:
            told, moment = decode(RowsPruned.__name__, payload), datetime_from(at)
        except (LogTooNew, ValueError, TypeError):
            continue
        if isinstance(told, RowsPruned):
            found |= {gap.first: Left(gap, position, moment, told.keep) for gap in told.gaps}
    return found
