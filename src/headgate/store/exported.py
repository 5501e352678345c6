"""An exported file, checked by itself: each row against its hash and its neighbours, all against the last line."""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.model.record import RowsPruned
from headgate.ports import LogUnavailable
from headgate.store.chain import GENESIS, Link, Row, digest
from headgate.store.export import COLUMNS, meant
from headgate.store.tables import PRUNING

LONGEST_LINE = 64 << 20  # characters


@dataclass(frozen=True, slots=True)
class ExportVerification:
    path: Path
    count: int
    last: Link
    asked: dict[str, str]  # by which it was filtered
    gaps: int  # places at which rows are not in it: filtered, or left by policy
    problem: str | None = None
    line: int | None = None  # of the first bad one

    @property
    def ok(self) -> bool:
        return self.problem is None


class Broken(ValueError):
    pass


def verify_export(path: Path, outside: Sequence[Link] = ()) -> ExportVerification:
    """`outside`: anchors written elsewhere. Raises LogUnavailable where there is no such file."""
    read = Reading({link.position: link.hash for link in outside if link.position})
    problem, line = None, None
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
            for text in _lines(stream):
                read.take(text)
        read.must_have_ended()
    except OSError as error:
        raise LogUnavailable(f"{path} cannot be read: {error.strerror}. Name an exported file.") from error
    except Broken as error:
        problem, line = str(error), read.line
    except (ValueError, KeyError, TypeError, csv.Error, RecursionError) as error:
        problem, line = f"line {read.line} is no line of an export ({type(error).__name__}: {error})", read.line
    return ExportVerification(path, read.count, read.end, read.asked, len(read.gaps), problem, line)


def _lines(stream: Any) -> Iterator[str]:
    while line := stream.readline(LONGEST_LINE):
        yield line


class Reading:
    def __init__(self, outside: Mapping[int, str]) -> None:
        self._outside = outside
        self.line = self.count = 0
        self.end = Link(0, GENESIS)
        self.gaps: dict[int, int] = {}  # first and last position of rows that are not in it
        self._left: dict[int, int] = {}  # the same, of those that a row says to have left by policy
        self.asked: dict[str, str] = {}
        self._digest = hashlib.sha256()
        self._ended = self._is_csv = False

    def take(self, line: str) -> None:
        self.line += 1
        if self._ended:
            raise Broken(f"line {self.line} stands behind the end")
        if self.line == 1 and not line.startswith("{"):
            self._is_csv = True
            if line.rstrip("\n") != ",".join(COLUMNS):
                raise Broken("line 1 is not the heading of an export")
        else:
            values = self._values(line)
            if "end" in values:
                self._finish(values)
                return
            self._row(values)
        self._digest.update(line.encode("utf-8", "surrogateescape"))

    def _values(self, line: str) -> dict[str, Any]:
        if not self._is_csv:
            value: dict[str, Any] = json.loads(line)
            return value
        (cells,) = csv.reader([line], strict=True)
        told = dict(zip(COLUMNS, map(meant, cells), strict=True))
        return json.loads(told["payload"]) if told["position"] == "end" else told

    def _row(self, values: dict[str, Any]) -> None:
        texts = {name: values[name] for name in COLUMNS}
        position, version = int(texts["position"]), int(texts["version"])
        row = Row(position, texts["stream"], version, texts["at"], texts["kind"], texts["payload"], texts["hash"])
        which = f"line {self.line}, row {position} ({row.kind}, version {version} of {row.stream})"
        if position <= self.end.position:
            raise Broken(f"{which} stands behind row {self.end.position}: rows were reordered or doubled")
        if digest(texts["previous"], row) != row.hash:
            raise Broken(f"{which} was changed: it does not fit its hash")
        if position == self.end.position + 1 and texts["previous"] != self.end.hash:
            raise Broken(f"{which} does not follow the row before it: one of both is of another log")
        if self._outside.get(position, row.hash) != row.hash:
            raise Broken(f"{which} is not the one that an anchor outside names: the log was written anew")
        if position != self.end.position + 1:
            self.gaps[self.end.position + 1] = position - 1
        if (row.stream, row.kind) == (PRUNING, RowsPruned.__name__):
            self._left |= {gap["first"]: gap["last"] for gap in json.loads(row.payload)["gaps"]}
        self.count, self.end = self.count + 1, row.link

    def _finish(self, values: dict[str, Any]) -> None:
        self._ended, self.asked = True, dict(values["asked"])
        if values["rows"] != self.count or values["last"] != {"position": self.end.position, "hash": self.end.hash}:
            raise Broken(f"{values['rows']} rows were exported, {self.count} are there: rows were taken out")
        if values["sha256"] != self._digest.hexdigest():
            raise Broken("the rows are not those that were exported: their digest is another")
        if not self.asked:
            self._whole()

    def _whole(self) -> None:
        """Of what was not filtered nothing is missing but what a row vouches for."""
        for first, last in self.gaps.items():
            place = first
            while place <= last:
                if self._left.get(place, 0) < place:
                    raise Broken(f"row {place} is missing, and no row says that it left by policy")
                place = self._left[place] + 1
        furthest = max(self._outside, default=0)
        if furthest > self.end.position:
            raise Broken(f"it ends at row {self.end.position}, an anchor outside says {furthest}: its end was cut")

    def must_have_ended(self) -> None:
        if not self._ended:
            raise Broken(f"it ends at line {self.line}, without its last line: its end was cut")
