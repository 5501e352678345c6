"""Output: a table for people, aligned columns for pipes, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from headgate.cli.plain import plain

BAR = 10  # characters
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=None if not sys.stdout.isatty() else 2))


def say(text: object) -> None:
    print(plain(text))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rich draws for terminals only: a pipe gets every character, and does not wait for Rich to be imported."""
    cells = [[plain(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _drawn(headers, cells)
        return
    widths = [max(len(row[column]) for row in [headers, *cells]) for column in range(len(headers))]
    for row in [[header.upper() for header in headers], *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _drawn(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    Console(highlight=False).print(drawn)


def bar(percent: float, width: int = BAR) -> str:
    encoding = getattr(sys.__stdout__, "encoding", "")  # Rich puts one without encoding in the place of sys.stdout
    full, empty = ("\u2588", "\u2591") if "utf" in encoding.lower() else ("#", "-")
    filled = round(max(0.0, min(100.0, percent)) * width / 100)
    return full * filled + empty * (width - filled)


def age(now: str, since: str | None) -> str:
    """3 min: how long ago, in its largest unit."""
    if not since:
        return "-"
    return took((datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds())


def took(seconds: float) -> str:
    size, unit = next((pair for pair in UNITS if seconds >= 2 * pair[0]), UNITS[-1])
    return f"{seconds:.1f} s" if unit == "s" and seconds < 10 else f"{int(seconds // size)} {unit}"
