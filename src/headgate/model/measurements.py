"""Measurements: what was read of two revisions over one window, and the verdict drawn from them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Window:
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a metric source: one service of one environment, real traffic only (no preview traffic)."""

    environment: str
    service: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Counts of one service of one revision over one window. Counts add up: samples of adjacent windows may be summed."""

    requests: int = 0
    errors: int = 0  # answers of class 5xx, and requests that never got an answer
    latency: dict[int, int] = field(default_factory=dict)  # bucket index (see `edge`) -> requests


@dataclass(frozen=True, slots=True)
class NoData:
    """Nothing could be read. Unknown is never success: the reason is shown."""

    reason: str


Reading = Sample | NoData


@dataclass(frozen=True, slots=True)
class Measurement:
    """One tick: every service of candidate and stable over the same window. `missing` names what could not be read."""

    tick: int
    window: Window
    candidate: dict[str, Sample] = field(default_factory=dict)
    stable: dict[str, Sample] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


class Outcome(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    why: str  # one sentence with the numbers it used


# Latency buckets are log-linear: eight to each doubling from 1 ms (index 0), so a bucket is 9 % wide.
BUCKETS_PER_DOUBLING = 8


def edge(index: int) -> float:
    """Upper edge of a latency bucket, milliseconds."""
    return float(2.0 ** (index / BUCKETS_PER_DOUBLING))
