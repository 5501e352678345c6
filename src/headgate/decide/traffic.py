"""What is known of the traffic of an environment: from what rollouts measured there, or assumed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import erf, log, sqrt

from headgate.model.events import MeasurementTaken, Recorded
from headgate.model.measurements import Measurement, Sample, Traffic, add, edge

ENOUGH = timedelta(minutes=10)  # of measurements, the latest
SIGMA = 0.6  # of the logarithm of latency, where only its median is known
COUNTED = 100_000  # answers that a histogram is written for
BUCKETS = range(-80, 160)  # 1 microsecond to 17 minutes


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one service. What cannot be told is None: a rate is, where requests were counted at all."""

    rate: float
    errors: float | None
    latency: dict[int, int]


def measured(recorded: Iterable[Recorded]) -> dict[str, Measured]:
    """By service, from the latest minutes that were measured. `recorded`: the events of one environment."""
    taken = [one.event.measurement for one in recorded if isinstance(one.event, MeasurementTaken)]
    seconds, both, stable = 0.0, dict[str, Sample](), dict[str, Sample]()
    for one in _complete(taken[::-1]):
        seconds += _seconds(one)
        stable = add(stable, one.stable)
        both = add(both, add(one.stable, one.candidate))
        if seconds >= ENOUGH.total_seconds():
            break
    return {
        name: _of_service(seen, stable.get(name, Sample()), seconds)
        for name, seen in sorted(both.items())
        if seen.requests and seconds
    }


def _complete(taken: Iterable[Measurement]) -> Iterable[Measurement]:
    """Without those that missed something: their rates would be too small."""
    return (one for one in taken if not one.missing and one.stable)


def _seconds(one: Measurement) -> float:
    return max((one.window.end - one.window.start).total_seconds(), 0.0)


def _of_service(both: Sample, stable: Sample, seconds: float) -> Measured:
    errors = stable.errors / stable.requests if stable.requests else None
    return Measured(both.requests / seconds, errors, stable.latency)


def traffic(rate: float, errors: float, latency: dict[int, int]) -> Traffic:
    """The histogram is enlarged until its answers suffice to choose what is slow."""
    total = sum(latency.values())
    times = -(-COUNTED // total)
    return Traffic(rate, errors, {bucket: count * times for bucket, count in latency.items()})


def around(median: float) -> dict[int, int]:
    """Latencies of which only the median is known (ms): lognormal, the 99th percentile at four times the median."""

    def below(bucket: int) -> float:
        return (1 + erf(log(edge(bucket) / median) / (SIGMA * sqrt(2)))) / 2

    counts = {bucket: round(COUNTED * (below(bucket) - below(bucket - 1))) for bucket in BUCKETS}
    return {bucket: count for bucket, count in counts.items() if count}
