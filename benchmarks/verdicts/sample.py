"""Every cell with a tenth of the releases, for `make bench`: the same tables, in a tenth of the time."""

from math import comb
from typing import Any

from benchmarks.machine import facts
from benchmarks.report import Missed, write
from benchmarks.verdicts.bars import Results, bars
from benchmarks.verdicts.cells import SEED, every
from benchmarks.verdicts.report import tables
from benchmarks.verdicts.summary import summarised
from benchmarks.verdicts.trial import run as tried

RELEASES = 200
CHANCE = 1.15  # quantiles of a sample scatter by some percent
SURE = 0.995


def run() -> None:
    results: Results = {}
    cells = every()
    for number, cell in enumerate(cells):
        trial = tried(cell, RELEASES, SEED + number, 1, True)
        results[cell.name] = summarised(cell, trial, RELEASES, SEED + number, 1)
        print(f"{number + 1}/{len(cells)} {cell.name}", flush=True)
    print(tables(results))
    found: list[dict[str, Any]] = [{"bar": one.what, "most": one.most, "found": one.found} for one in bars(results)]
    write("verdicts", facts(), {"releases": RELEASES, "bars": found})
    missed = [one.what for one in bars(results) if one.found is not None and one.found > _allowed(one.what, one.most)]
    if missed:
        raise Missed("; ".join(missed))


def _allowed(what: str, most: float) -> float:
    """Of shares (%), what so few releases show at most where the bar is kept."""
    if not what.endswith("%"):
        return most * CHANCE
    share, below, count = most / 100, 0.0, -1
    while below < SURE:
        count += 1
        below += comb(RELEASES, count) * share**count * (1 - share) ** (RELEASES - count)
    return 100 * count / RELEASES
