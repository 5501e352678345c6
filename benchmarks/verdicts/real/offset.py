"""How two arms that run the same code differ: latency of the candidate beside the stable's, at each weight.

A candidate of full size at 10 % has a tenth of the traffic for the same processes. And while it starts, it takes the
machine from the stable. Read from the event log of a run.
"""

import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.decide.fold import apply, empty
from headgate.decide.judging import weight_at
from headgate.model import events as e
from headgate.model.ids import EnvironmentId
from headgate.model.measurements import BUCKETS_PER_DOUBLING, Measurement, Sample
from headgate.model.rollouts import EnvironmentState
from headgate.store.codec import decode

FEWEST = 10  # answers of the stable in a tick


@dataclass(slots=True)
class Arms:
    """One service at one weight, all rollouts together."""

    stable: Sample = field(default_factory=Sample)
    doublings: float = 0.0  # of the candidate's mean latency over the stable's, same tick, times answers
    answers: int = 0  # of the candidate

    def add(self, candidate: Sample, stable: Sample) -> None:
        self.stable += stable
        answers = sum(candidate.latency.values())
        if answers and sum(stable.latency.values()) >= FEWEST:
            self.doublings += (_mean(candidate) - _mean(stable)) / BUCKETS_PER_DOUBLING * answers
            self.answers += answers

    def as_json(self) -> dict[str, Any]:
        half, tail = self.stable.quantile(0.5), self.stable.quantile(0.99)
        return {
            "stable_p50_ms": round(half, 1) if half else None,
            "stable_p99_ms": round(tail, 1) if tail else None,
            "candidate_answers": self.answers,
            "candidate_slower": round(2 ** (self.doublings / self.answers) - 1, 4) if self.answers else None,
        }


def offsets(data: Path) -> dict[str, Any]:
    """By service, then weight in percent; 0 is while the candidate starts. Geometric means."""
    found: dict[str, dict[int, Arms]] = {}
    for weight, taken in _measurements(data):
        for service, stable in taken.stable.items():
            arms = found.setdefault(service, {}).setdefault(weight, Arms())
            arms.add(taken.candidate.get(service, Sample()), stable)
    return {name: {str(w): one.as_json() for w, one in sorted(by.items())} for name, by in sorted(found.items())}


def _measurements(data: Path) -> Iterator[tuple[int, Measurement]]:
    connection = sqlite3.connect(f"{(data / 'events.db').as_uri()}?mode=ro", uri=True, timeout=10)
    query = "SELECT stream, at, kind, payload FROM events WHERE stream LIKE 'environment:%' ORDER BY stream, version"
    states: dict[str, EnvironmentState] = {}
    try:
        for stream, at, kind, payload in connection.execute(query):
            event = decode(kind, payload)
            before = states.get(stream, empty(EnvironmentId(stream.partition(":")[2])))
            state = states[stream] = apply(event, before, datetime.fromisoformat(at))
            if isinstance(event, e.MeasurementTaken) and state.rollout and state.stable:
                yield weight_at(state.rollout), event.measurement
    finally:
        connection.close()


def _mean(sample: Sample) -> float:
    """Bucket of the geometric mean."""
    return sum(bucket * count for bucket, count in sample.latency.items()) / sum(sample.latency.values())


if __name__ == "__main__":
    print(json.dumps(offsets(Path(sys.argv[1]).resolve()), indent=1))
