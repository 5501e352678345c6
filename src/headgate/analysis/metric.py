"""A metric of one service: how an answer is scored between 0 (good) and 1 (bad), and what is allowed."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache

from headgate.analysis.evalue import Margin
from headgate.model.measurements import Sample


@dataclass(frozen=True, slots=True)
class Metric:
    name: str  # errors, outage, latency, p99, p99.9: a key of the policy's budget
    edges: tuple[int, ...]  # latency buckets; an answer scores the share of edges it is beyond. None: errors
    harm: Margin
    accept: Margin | None  # at full weight; None: never asked before a promotion
    record: Margin  # harm where the stable no longer answers, and its record has to stand in for it
    spread: float = 1.0  # variance of a score over share * (1 - share)

    @property
    def graded(self) -> bool:
        return len(self.edges) > 1

    @property
    def scores(self) -> tuple[float, ...]:
        return _scores(len(self.edges) or 1)

    def levels(self, sample: Sample) -> tuple[int, ...]:
        """Answers at each score."""
        if not self.edges:
            return (sample.requests - sample.errors, sample.errors)
        counts = [0] * (len(self.edges) + 1)
        for bucket, count in sample.latency.items():
            counts[bisect_left(self.edges, bucket)] += count
        return tuple(counts)


@cache
def _scores(steps: int) -> tuple[float, ...]:
    return tuple(step / steps for step in range(steps + 1))
