"""Latencies, counted in steps of one per cent: bounded in memory, and as exact at a second as at a millisecond."""

import math
from collections import Counter
from dataclasses import dataclass, field

STEP = math.log(1.01)
LEAST = 1e-6  # seconds


@dataclass(slots=True)
class Histogram:
    counts: Counter[int] = field(default_factory=Counter)
    total: int = 0
    longest: float = 0.0  # seconds

    def add(self, seconds: float) -> None:
        self.counts[math.ceil(math.log(max(seconds, LEAST) / LEAST) / STEP)] += 1
        self.total += 1
        self.longest = max(self.longest, seconds)

    def quantile(self, share: float) -> float:
        """Seconds within which that share was answered, one per cent too many at most. 0 where there is nothing."""
        wanted, passed = math.ceil(share * self.total), 0
        for step in sorted(self.counts):
            passed += self.counts[step]
            if passed >= wanted:
                return min(LEAST * math.exp(step * STEP), self.longest)
        return 0.0
