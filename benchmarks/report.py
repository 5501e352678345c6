"""How a benchmark tells: a table for people, a JSON file for the record, and whether it kept its bars."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import facts

RESULTS = Path(__file__).parent / "results"


class Missed(Exception):
    """A bar was not reached; the text says which."""


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed: never flattering, never interpolated."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(quantile(values, 0.5), 3),
        "p99": round(quantile(values, 0.99), 3),
        "max": round(max(values), 3),
    }


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    # Without a terminal rich assumes 80 columns and would cut the figures.
    console = Console()
    (console if console.is_terminal else Console(width=140)).print(table)


def write(name: str, machine: dict[str, object], figures: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps({"benchmark": name, "taken_at": taken, "machine": machine, **figures}, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n")


__all__ = ["Missed", "facts", "quantile", "show", "spread", "write"]
