"""Measurements: what was read of two revisions over one window."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

# Latency buckets are log-linear: eight to each doubling from 1 ms (index 0), so a bucket is 9 % wide.
BUCKETS_PER_DOUBLING = 8


def edge(index: int) -> float:
    """Upper edge of a latency bucket, milliseconds."""
    return float(2.0 ** (index / BUCKETS_PER_DOUBLING))


@dataclass(frozen=True, slots=True)
class Window:
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a metric source: one service of one environment, real traffic only (no preview traffic)."""

    environment: str
    service: str
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)  # what the file says of the source itself


@dataclass(frozen=True, slots=True)
class Sample:
    """Counts of one service of one revision over one window. Samples of adjacent windows add up."""

    requests: int = 0
    errors: int = 0  # answers of class 5xx, and requests that never got an answer
    latency: dict[int, int] = field(default_factory=dict)  # bucket index (see `edge`) -> requests

    def __add__(self, other: "Sample") -> "Sample":
        latency = dict(self.latency)
        for bucket, count in other.latency.items():
            latency[bucket] = latency.get(bucket, 0) + count
        return Sample(self.requests + other.requests, self.errors + other.errors, latency)

    def quantile(self, share: float) -> float | None:
        """Upper edge (ms) of the bucket that holds the quantile; None without latencies."""
        total = sum(self.latency.values())
        seen = 0
        for bucket in sorted(self.latency):
            seen += self.latency[bucket]
            if total and seen >= share * total:
                return edge(bucket)
        return None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What users ask of a service, and how its stable answers."""

    rate: float  # requests per second of candidate and stable together
    errors: float  # share of the stable
    latency: dict[int, int]  # of the stable: bucket index -> requests; only their shares count


@dataclass(frozen=True, slots=True)
class NoData:
    """Nothing could be read. Unknown is never success: the reason is shown."""

    reason: str


Reading = Sample | NoData


Arm = Literal["stable", "baseline"]  # what a candidate is compared with


@dataclass(frozen=True, slots=True)
class Value:
    """What one metric of the file was read as: a number, or the reason why there is none."""

    candidate: float | None = None
    stable: float | None = None  # only where the two are compared
    missing: str = ""
    detail: str = ""  # of a job that failed: its last words


@dataclass(frozen=True, slots=True)
class Measurement:
    """One tick: every service of each revision over the same window. `missing` names what could not be read."""

    tick: int
    window: Window
    candidate: dict[str, Sample] = field(default_factory=dict)
    stable: dict[str, Sample] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    baseline: dict[str, Sample] = field(default_factory=dict)  # while it has traffic
    values: dict[str, Value] = field(default_factory=dict)  # of the file's metrics that were read by this tick

    @property
    def against(self) -> Arm:
        """What the candidate is compared with."""
        return "baseline" if self.baseline else "stable"

    @property
    def reference(self) -> dict[str, Sample]:
        return self.baseline or self.stable

    def __add__(self, later: "Measurement") -> "Measurement":
        """Both windows as one; what is missing is what the later one misses."""
        return Measurement(
            later.tick,
            Window(self.window.start, later.window.end),
            add(self.candidate, later.candidate),
            add(self.stable, later.stable),
            later.missing,
            add(self.baseline, later.baseline),
            {**self.values, **later.values},
        )


def add(one: dict[str, Sample], other: dict[str, Sample]) -> dict[str, Sample]:
    return {name: one.get(name, Sample()) + other.get(name, Sample()) for name in one.keys() | other.keys()}
