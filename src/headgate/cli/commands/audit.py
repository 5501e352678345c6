"""headgate audit: is the event log as it was written? And: copies of it, and what may leave it."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headgate.cli.failure import OK, REFUSED, USAGE, Failure
from headgate.cli.folder import data_folder
from headgate.cli.output import print_json, say
from headgate.model.record import LEAST_KEPT
from headgate.ports import LogDamaged, LogUnavailable

YEAR = timedelta(days=366)  # nothing leaves a day early
MOST_KEPT = 100 * YEAR
MOMENTS = "Write a date, such as 2026-11-01, or a moment with its time zone, such as 2026-11-01T08:00+01:00."


def verify(
    file: str | None = None, anchors: list[str] | None = None, data: str | None = None, as_json: bool = False
) -> int:
    from headgate import bootstrap

    outside = [Path(one) for one in anchors or []]
    if file is not None:
        return _exported(Path(file), outside, as_json)
    folder = Path(data_folder(data))
    with _told(folder):
        found = bootstrap.audit(folder, outside)
    if as_json:
        head = {"position": found.head.position, "hash": found.head.hash}
        print_json({"ok": found.ok, "rows": found.count, "left": found.left, **head, "problem": found.problem})
        return OK if found.ok else REFUSED
    if not found.ok:
        remedy = f"The {found.count} rows before it are as they were written. Keep this file; restore it from a copy."
        raise Failure(f"the event log is damaged: {found.problem}", str(found.path), remedy)
    left = f" ({found.left} of them left by policy)" if found.left else ""
    say(f"{found.count} rows, each as it was written{left}; the last has the hash {found.head.hash}")
    return OK


def _exported(path: Path, outside: list[Path], as_json: bool) -> int:
    from headgate import bootstrap

    with _told(path):
        found = bootstrap.audit_exported(path, outside)
    if as_json:
        told = {"ok": found.ok, "rows": found.count, "asked": found.asked, "gaps": found.gaps, "line": found.line}
        print_json({**told, "position": found.last.position, "hash": found.last.hash, "problem": found.problem})
        return OK if found.ok else REFUSED
    if not found.ok:
        raise Failure(f"the export is damaged: {found.problem}", str(path), "Export it again; keep this file.")
    asked = ", ".join(f"{name} {value}" for name, value in found.asked.items())
    whole = f"; of what was asked for ({asked}), in {found.gaps} places rows of the log are not in it" if asked else ""
    say(f"{found.count} rows, each as it was written, up to row {found.last.position} of the log{whole}")
    return OK


def export(  # noqa: PLR0913, PLR0917 - each is an option
    form: str = "jsonl",
    to: str | None = None,
    since: str | None = None,
    until: str | None = None,
    application: str = "",
    environment: str = "",
    person: str = "",
    data: str | None = None,
) -> int:
    from headgate import bootstrap

    folder = Path(data_folder(data))
    first, last = _moment(since, "--since"), _moment(until, "--until")
    with _told(folder):
        lines = bootstrap.exported(folder, form, first, last, (application, environment, person))
        if to is None:
            sys.stdout.writelines(lines)
            return OK
        _write(Path(to), lines)
    say(f"{to}: check it with `headgate audit verify {to}`")
    return OK


def _write(path: Path, lines: Iterator[str]) -> None:
    """Whole, or not at all; what is no file (a folder, /dev/null) is never taken away to make room."""
    if path.exists() and not path.is_file():
        raise Failure("the export cannot be written: that is no file", str(path), "Name a file; it need not be there.")
    beside = path.with_name(f"{path.name}.part")
    try:
        number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(number, "w", newline="") as file:
            file.writelines(lines)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        remedy = "Name a file in a folder that is there and has room."
        raise Failure(f"the export cannot be written: {error.strerror}", str(path), remedy) from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def prune(
    archive: str, why: str, keep: str = "7y", data: str | None = None, by: str | None = None, as_json: bool = False
) -> int:
    from headgate import bootstrap
    from headgate.cli.act import person

    folder, kept = Path(data_folder(data)), _kept(keep)
    if not why.strip():
        raise Failure("--why is empty", "--why", "Say which policy this is, for the log.", USAGE)
    with _told(folder):
        told = bootstrap.prune_log(folder, kept, by or person(), why, Path(archive))
    if as_json:
        print_json({"rows": told.rows, "streams": told.streams, "sha256": told.sha256} if told else {"rows": 0})
    elif told is None:
        say(f"nothing is older than {keep}: nothing left, and no archive was written")
    else:
        say(f"{told.rows} rows of {told.streams} streams left; they are in {archive}, sha256 {told.sha256}")
    return OK


def _kept(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,5})([dy])", text)
    kept = int(found[1]) * (YEAR if found[2] == "y" else timedelta(days=1)) if found else timedelta()
    if not LEAST_KEPT <= kept <= MOST_KEPT:
        raise Failure(f"{text!r} is not how long to keep", "--keep", "Write 365d or more, or years, such as 7y.", USAGE)
    return kept


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        moment = found.replace(tzinfo=UTC) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else found
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Failure(f"{text!r} is no moment", option, MOMENTS, USAGE) from error


@contextmanager
def _told(where: Path) -> Iterator[None]:
    try:
        yield
    except (LogDamaged, LogUnavailable) as error:
        raise Failure(str(error), str(where)) from error  # the text says what to do


VERBS: dict[str, Callable[..., int]] = {"verify": verify, "export": export, "prune": prune}
