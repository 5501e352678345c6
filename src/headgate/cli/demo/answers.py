"""What the load generator saw: one answer to a line, and the questions that are asked of all of them."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

COLUMNS = ("at", "ms", "status", "page", "visitor", "error")


@dataclass(frozen=True, slots=True)
class Answer:
    at: float  # when its request was due, seconds since 1970
    ms: float  # from that moment to the last byte
    status: int  # 0: no answer
    page: str
    visitor: int
    error: str = ""

    @property
    def bad(self) -> bool:
        return self.status == 0 or self.status >= 500

    @property
    def done(self) -> float:
        """When the visitor had it, seconds since 1970."""
        return self.at + self.ms / 1000

    def line(self) -> str:
        return f"{self.at:.4f},{self.ms:.2f},{self.status},{self.page},{self.visitor},{self.error}\n"


def read(path: Path) -> list[Answer]:
    """In the order in which they were due."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.reader(stream) if len(row) == len(COLUMNS) and row[0] != COLUMNS[0]]
    found = [Answer(float(at), float(ms), int(status), page, int(v), error) for at, ms, status, page, v, error in rows]
    return sorted(found, key=lambda answer: answer.at)


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` of the values do not exceed."""
    if not ordered:
        return None
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def p99(answers: Iterable[Answer]) -> float | None:
    return quantile(sorted(answer.ms for answer in answers if answer.status), 0.99)


def met(answers: Iterable[Answer]) -> str:
    """What became of the bad ones, the most frequent first, and when that was; empty: there were none."""
    bad = [answer for answer in answers if answer.bad]
    if not bad:
        return ""
    kinds = Counter(answer.error or f"status {answer.status}" for answer in bad)
    told = ", ".join(f"{count:,} x {kind}" for kind, count in kinds.most_common(3))
    return f"{told}; within {bad[-1].at - bad[0].at:.1f} s"


def between(answers: Iterable[Answer], start: float, end: float) -> list[Answer]:
    """Answers to requests that were due from `start` on and before `end`."""
    return [answer for answer in answers if start <= answer.at < end]
