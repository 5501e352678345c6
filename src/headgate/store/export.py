"""Rows on their way out of the log, with their hashes: what is exported can be checked without the log.

JSON lines or CSV, the same rows always in the same bytes. The last line says what was asked for, and the rows' digest.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from headgate.ports import LogUnavailable
from headgate.store import connections, tables
from headgate.store.chain import GENESIS, Link, Row
from headgate.store.codec import datetime_from
from headgate.store.failures import in_words
from headgate.store.gaps import left
from headgate.store.schema import is_laid_out

Format = Literal["jsonl", "csv"]
COLUMNS = ("position", "stream", "version", "at", "kind", "payload", "hash", "previous")
BATCH = 1000  # rows held in memory at a time
# What a spreadsheet would take for a formula; the sign that takes its meaning away has to be signed too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


@dataclass(frozen=True, slots=True)
class Wanted:
    since: datetime | None = None
    until: datetime | None = None  # not included
    application: str = ""
    environment: str = ""
    person: str = ""  # that acts, in any event

    def said(self) -> dict[str, str]:
        given = {name: value for name, value in asdict(self).items() if value}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items()}


class Chosen:
    """Which rows are wanted. Releases and builds say in their first event which application's they are."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._streams: dict[str, bool] = {}

    def __contains__(self, row: Row) -> bool:
        concerns = self._concerns(row)  # always: a stream's first row may be older than what is wanted
        return concerns and self._is_then(row) and self._is_theirs(row)

    def _is_then(self, row: Row) -> bool:
        wanted = self._wanted
        if wanted.since is None and wanted.until is None:
            return True
        at = datetime_from(row.at)
        return (wanted.since is None or at >= wanted.since) and (wanted.until is None or at < wanted.until)

    def _is_theirs(self, row: Row) -> bool:
        person = self._wanted.person
        return not person or person in _people(json.loads(row.payload))

    def _concerns(self, row: Row) -> bool:
        if not self._wanted.application and not self._wanted.environment:
            return True
        if row.stream.startswith("commands:"):
            return self._is_target(str(json.loads(row.payload).get("target", "")))
        if row.stream not in self._streams:
            self._streams[row.stream] = self._is_stream(row)
        return self._streams[row.stream]

    def _is_target(self, target: str) -> bool:
        """What names none concerns all: a stop of the whole server, a file that was refused."""
        application, _, environment = target.partition("/")
        named, place = self._wanted.application, self._wanted.environment
        return not target or (named in ("", application) and place in ("", environment))

    def _is_stream(self, row: Row) -> bool:
        kind, _, name = row.stream.partition(":")
        match kind:
            case "server" | "audit":
                return True
            case "environment":
                return self._is_target(name)
            case "application" | "target":
                mine = name.partition("/")[0]
            case _:
                mine = _application(row)
        return not self._wanted.environment and mine == self._wanted.application


def _application(row: Row) -> str:
    """Of the first event of a release or a build."""
    value = json.loads(row.payload)
    for part in ("release", "build"):
        if isinstance(value.get(part), dict):
            return str(value[part].get("application", ""))
    return ""


def _people(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (str(value[name]) for name in ("by", "author", "approver") if name in value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _people(inner)


def export(log: Path, wanted: Wanted, form: Format) -> Iterator[str]:
    """Lines, each with its end. Raises LogDamaged, LogTooNew, LogUnavailable."""
    chosen = Chosen(wanted)
    found = ((row, previous) for row, previous in linked(log) if row in chosen)
    yield from written(found, form, wanted.said())


def linked(log: Path) -> Iterator[tuple[Row, str]]:
    """Every row with the hash before it."""
    if not log.is_file():
        raise LogUnavailable(f"There is no event log at {log}. Name the data folder that the server uses.")
    engine = connections.examiner(log)
    try:
        with in_words(log), engine.connect() as connection:
            if not is_laid_out(connection, log):
                return
            gone = {one.gap.last: one.gap.hash for one in left(connection).values()}
            end = Link(0, GENESIS)
            for columns in connection.execution_options(yield_per=BATCH).execute(tables.ALL).mappings():
                row = tables.row_of(columns)
                previous = end.hash if row.position == end.position + 1 else gone.get(row.position - 1, "")
                yield row, previous
                end = row.link
    finally:
        engine.dispose()


def written(rows: Iterable[tuple[Row, str]], form: Format, asked: dict[str, str]) -> Iterator[str]:
    digest, count, last = hashlib.sha256(), 0, Link(0, GENESIS)
    if form == "csv":
        yield _counted(digest, _csv(COLUMNS))
    for row, previous in rows:
        values = {**tables.values_of(row), "previous": previous}
        line = _json(values) if form == "jsonl" else _csv([values[name] for name in COLUMNS])
        yield _counted(digest, line)
        count, last = count + 1, row.link
    end = {"end": 1, "rows": count, "asked": asked, "last": asdict(last), "sha256": digest.hexdigest()}
    yield _json(end) if form == "jsonl" else _csv(["end", *[""] * 4, _json(end).rstrip(), "", ""])


def _counted(digest: Any, line: str) -> str:
    digest.update(line.encode("utf-8", "surrogateescape"))
    return line


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


def _csv(cells: Iterable[Any]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow([neutral(str(cell)) for cell in cells])
    return stream.getvalue()


def neutral(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def meant(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell
