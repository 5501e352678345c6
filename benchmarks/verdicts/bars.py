"""What Headgate must reach, each bar with the figure that was measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Results = dict[str, dict[str, Any]]  # by cell


@dataclass(frozen=True)
class Bar:
    what: str
    most: float
    found: float | None

    @property
    def reached(self) -> str:
        if self.found is None:
            return "not run"
        return "reached" if self.found <= self.most else "**missed**"


def _of(results: Results, cell: str, read: Callable[[dict[str, Any]], float]) -> float | None:
    judged = results.get(cell)
    return None if judged is None else read(judged["judges"]["headgate"])


def _worst(results: Results, group: str, name: str, key: str) -> float | None:
    """Largest share over the cells of a group, in percent."""
    shares = [
        one["judges"]["headgate"][key]["share"]
        for cell, one in results.items()
        if one["group"] == group and name in cell
    ]
    return max(shares) * 100 if shares else None


def _quantile(key: str, name: str) -> Callable[[dict[str, Any]], float]:
    return lambda judged: judged[key][name] if judged[key] else float("inf")


def bars(results: Results) -> Iterator[Bar]:
    yield from _nulls(results)
    yield from _detections(results)
    for rate, most in ((500, 240), (1500, 185)):
        for errors in ("0.1%", "0.5%", "1.0%"):
            cell = f"promoted {rate}/s {errors}"
            found = _of(results, cell, _quantile("promoted_seconds", "p50"))
            yield Bar(f"good release at {rate}/s, {errors} errors: promoted, median s", most, found)


def _nulls(results: Results) -> Iterator[Bar]:
    for what, group, name in (
        ("false rollback, drift and bursts, worst of 9 cells, %", "null", ""),
        ("false rollback, errors in clusters of 5, worst of 9, %", "clusters", "of 5 "),
        ("false rollback, errors in clusters of 10, worst of 9, %", "clusters", "of 10"),
        ("false rollback, blip of 20 s in the candidate, worst of 9, %", "blip", ""),
        ("false rollback, node 3 % slower, spread known, worst of 3, %", "offset", "known"),
    ):
        yield Bar(what, 1.0, _worst(results, group, name, "back"))
    yield Bar(
        "promoted at exactly the margin, errors, worst of 3, %", 5.0, _worst(results, "margin", "errors", "promoted")
    )
    yield Bar(
        "promoted at exactly the margin, latency, worst of 2, %", 5.0, _worst(results, "margin", "latency", "promoted")
    )
    yield Bar(
        "promoted at the margin, sparse clusters of 5, worst of 3, %",
        5.0,
        _worst(results, "margin", "sparse", "promoted"),
    )


def _detections(results: Results) -> Iterator[Bar]:
    seconds, bad = "seconds", "bad"
    for cell, what, key, name, most in (
        ("+100 % 500/s", "p95 s", seconds, "p95", 5),
        ("+100 % 500/s", "p95 bad answers", bad, "p95", 150),
        ("+5 pp 500/s", "p95 s", seconds, "p95", 40),
        ("+5 pp 500/s", "median bad answers", bad, "p50", 30),
        ("+1 pp 500/s", "p95 s", seconds, "p95", 170),
        ("+1 pp 500/s", "median bad answers", bad, "p50", 30),
        ("+0.5 pp 500/s", "p95 s", seconds, "p95", 320),
        ("+0.5 pp 500/s", "median bad answers", bad, "p50", 60),
        ("p99 x 3 500/s", "p95 s", seconds, "p95", 90),
        ("p50 +10 % 500/s", "p95 s", seconds, "p95", 190),
        ("+5 pp 50/s", "p95 s", seconds, "p95", 170),
        ("+5 pp 50/s", "median bad answers", bad, "p50", 16),
        ("+5 pp at 240 s 500/s", "median s", seconds, "p50", 60),
    ):
        yield Bar(f"{cell}: {what}", most, _of(results, cell, _quantile(key, name)))
    missed = _of(results, "+0.5 pp 500/s", lambda judged: round((1 - judged["found"]["share"]) * 100, 3))
    yield Bar("+0.5 pp 500/s: not found, %", 1.0, missed)
