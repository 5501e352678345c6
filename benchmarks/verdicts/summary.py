"""What a trial showed, as numbers that can be kept."""

from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.verdicts.cells import Cell
from benchmarks.verdicts.trial import Judged, Trial
from benchmarks.verdicts.world import Floats


def summarised(cell: Cell, trial: Trial, releases: int, seed: int, beat: int) -> dict[str, Any]:
    return {
        "cell": cell.name,
        "group": cell.group,
        "gated": cell.gated,
        "world": asdict(cell.world),
        "spread": cell.spread,
        "releases": releases,
        "seed": seed,
        "beat": beat,
        "judges": {name: _judge(cell, trial, one) for name, one in trial.judges.items()},
    }


def _judge(cell: Cell, trial: Trial, judged: Judged) -> dict[str, Any]:
    """Times count from the beginning of the regression; what was put back before it was put back wrongly."""
    back = judged.back
    false = np.isfinite(back) & (back <= cell.world.begins)
    found = np.isfinite(back) & ~false
    seconds = back[found] - cell.world.begins
    rows = back[found].astype(int)
    kept = {
        "back": _rate(np.isfinite(back)),
        "found": _rate(found),
        "too_early": _rate(false),
        "promoted": _rate(np.isfinite(judged.promoted)),
        "seconds": _quantiles(seconds),
        "bad": _quantiles(_at(trial.excess, rows, found) - trial.excess[cell.world.begins][found]),
        "requests": _quantiles(_at(trial.requests, rows, found) - trial.requests[cell.world.begins][found]),
        "promoted_seconds": _quantiles(judged.promoted[np.isfinite(judged.promoted)]),
    }
    if len(judged.by):
        names = [trial.metrics[index] for index in judged.by[judged.by >= 0]]
        kept["by"] = {name: names.count(name) for name in trial.metrics}
    return kept


def _at(series: Floats, rows: np.ndarray, which: np.ndarray) -> Floats:
    return series[rows, np.flatnonzero(which)]


def _rate(which: np.ndarray) -> dict[str, float]:
    """Share, and the upper end of its Wilson interval of 95 %."""
    n, p, z = len(which), float(which.mean()), 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    wide = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return {"count": int(which.sum()), "share": round(p, 5), "at_most": round(middle + wide, 5)}


def _quantiles(values: Floats) -> dict[str, float] | None:
    if not len(values):
        return None
    found = np.quantile(values, [0.05, 0.5, 0.95], method="higher")
    return {name: round(float(value), 1) for name, value in zip(("p5", "p50", "p95"), found, strict=True)}
