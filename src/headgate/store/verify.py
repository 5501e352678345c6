"""Walks the whole log from its first row and says where it first differs from what was written."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from headgate.ports import LogDamaged, LogTooNew, LogUnavailable
from headgate.store import connections, tables
from headgate.store.anchor import anchor_path, changed, cut, read_anchor
from headgate.store.chain import START, Link, Row, digest
from headgate.store.codec import datetime_from
from headgate.store.failures import in_words
from headgate.store.gaps import Left, left
from headgate.store.schema import is_laid_out

BATCH = 1000  # rows held in memory at a time


@dataclass(frozen=True, slots=True)
class Verification:
    path: Path
    count: int  # rows from the start that are as they were written, or left by policy
    head: Link  # the last of them
    anchor: Link | None = None
    problem: str | None = None  # None: all is well
    position: int | None = None  # of the first bad row, where it is a row
    left: int = 0  # of the rows, by policy

    @property
    def ok(self) -> bool:
        return self.problem is None


@dataclass(slots=True)
class Walk:
    end: Link = START
    versions: dict[str, int] = field(default_factory=dict)
    anchor: Link | None = None
    anchored: str | None = None  # hash of the row that the anchor names, once passed
    gaps: dict[int, Left] = field(default_factory=dict)  # by their first position: rows that left by policy
    left: int = 0  # rows
    before: datetime | None = None  # the latest moment so far
    elsewhere: dict[int, str] = field(default_factory=dict)  # anchors outside: position -> hash

    def cross(self, row: Row) -> str | None:
        """Over rows that left, where later rows of the chain say so of exactly these; or why that is not believed."""
        while self.end.position + 1 < row.position:
            gap = self.gaps.get(self.end.position + 1)
            if gap is None or not gap.follows(self.end) or gap.end.position >= row.position:
                return None
            if doubt := gap.doubtful(self.before):
                return doubt
            self.left += gap.end.position - self.end.position
            self.end = gap.end
        return None

    def wrong(self, row: Row) -> str | None:
        """What is wrong with the row that comes next."""
        expected = self.versions.get(row.stream, 0) + 1
        which = f"row {row.position} ({row.kind}, version {row.version} of {row.stream})"
        if row.position <= self.end.position:
            return f"position {row.position} is there twice (duplicate row)"
        if row.position > self.end.position + 1:
            return f"{_span(self.end.position + 1, row.position - 1)} missing"
        if row.hash != digest(self.end.hash, row):
            return f"{which} was changed: it does not fit its hash"
        if row.version != expected:
            return f"{which} stands where version {expected} belongs (version gap)"
        return None

    def take(self, row: Row) -> None:
        self.versions[row.stream] = row.version
        self.end = row.link
        with suppress(ValueError):  # of no moment: who reads it is told
            moment = datetime_from(row.at)
            self.before = max(self.before or moment, moment)
        if self.anchor is not None and row.position == self.anchor.position:
            self.anchored = row.hash
        if self.elsewhere.get(row.position, row.hash) != row.hash:
            raise Moved(row)

    def against_outposts(self) -> str | None:
        last = max(self.elsewhere, default=0)
        return cut(self.end, Link(last, self.elsewhere[last])) if last else None

    def against_anchor(self, log: Path) -> str | None:
        if self.anchor is None:
            return f"the anchor {anchor_path(log)} is gone, so nobody can tell whether the end of the log was cut"
        return cut(self.end, self.anchor) or changed(self.anchored, self.anchor)


class Moved(Exception):
    def __init__(self, row: Row) -> None:
        self.position = row.position
        super().__init__(
            f"row {row.position} ({row.kind}, version {row.version} of {row.stream}) is not the one that an anchor "
            "outside names: the log was written anew from there or before, or is another server's"
        )


def verify(path: Path, outside: Sequence[Link] = ()) -> Verification:
    """Changes nothing, and may run beside a live server. `outside`: anchors written elsewhere.

    Raises LogTooNew, LogUnavailable.
    """
    if not path.is_file():
        raise LogUnavailable(f"There is no event log at {path}. Name the data folder that the server uses.")
    walk = Walk(elsewhere={link.position: link.hash for link in outside if link.position})
    try:
        walk.anchor = read_anchor(path)  # before the log, which may grow meanwhile
        problem, position = _examined(path, walk)
    except LogTooNew:
        raise
    except Moved as moved:
        problem, position = str(moved), moved.position
    except LogDamaged as error:
        problem, position = str(error), None
    return Verification(path, walk.end.position, walk.end, walk.anchor, problem, position, walk.left)


def _examined(path: Path, walk: Walk) -> tuple[str | None, int | None]:
    engine = connections.examiner(path)
    try:
        with in_words(path), engine.connect() as connection:
            if not is_laid_out(connection, path):
                return walk.against_anchor(path) or "the file is empty", None
            return _first_problem(connection, path, walk)
    finally:
        engine.dispose()


def _first_problem(connection: Connection, path: Path, walk: Walk) -> tuple[str | None, int | None]:
    walk.gaps = left(connection)
    for row in _rows(connection):
        problem = walk.cross(row) or walk.wrong(row)
        if problem is not None:
            return problem + _moved(connection, walk.end), walk.end.position + 1
        walk.take(row)
    # Streams are read through an index: it must agree with the rows.
    pages = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
    if pages != "ok":
        return f"the file does not fit together: {pages}", None
    return walk.against_anchor(path) or walk.against_outposts(), None


def _moved(connection: Connection, end: Link) -> str:
    """Where the row is now that belongs behind `end`, if it is anywhere."""
    place = end.position + 1
    for row in _rows(connection):
        if row.position != place and row.hash == digest(end.hash, replace(row, position=place)):
            return f". The row that belongs at {place} stands at {row.position}: rows were reordered"
    return ""


def _rows(connection: Connection) -> Iterator[Row]:
    found = connection.execution_options(yield_per=BATCH).execute(tables.ALL).mappings()
    return (tables.row_of(columns) for columns in found)


def _span(first: int, last: int) -> str:
    return f"row {first} is" if first == last else f"rows {first} to {last} are"
