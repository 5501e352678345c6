"""Measurements as the judge sees them: seconds of traffic with known counts, or drawn ones."""

from datetime import UTC, datetime, timedelta
from random import Random

from headgate.analysis.evidence import Evidence
from headgate.analysis.judge import begin, step
from headgate.analysis.policy import Policy
from headgate.model.measurements import Measurement, Sample, Window

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICY = Policy()
PLAIN = {bucket: 10 + 90 * (7 - abs(bucket - 50)) for bucket in range(44, 57)} | {70: 60}  # buckets of a stable


def answers(requests: int, errors: int = 0, later: int = 0) -> Sample:
    """Latencies as in PLAIN, moved by `later` buckets: the same shares, rounded down, the rest in the middle."""
    total = sum(PLAIN.values())
    latency = {bucket + later: count * requests // total for bucket, count in PLAIN.items()}
    latency[50 + later] += requests - sum(latency.values())
    return Sample(requests, errors, {bucket: count for bucket, count in latency.items() if count})


def known(errors: int = 500) -> dict[str, Sample]:
    return {"web": answers(100_000, errors)}


def window(number: int, seconds: float = 1.0) -> Window:
    return Window(START + timedelta(seconds=(number - 1) * seconds), START + timedelta(seconds=number * seconds))


def tick(number: int, candidate: Sample | None, stable: Sample | None, *missing: str) -> Measurement:
    arms = [{"web": sample} if sample else {} for sample in (candidate, stable)]
    return Measurement(number, window(number), arms[0], arms[1], missing)


def drawn(random: Random, requests: int, share: float) -> Sample:
    """Binomial errors; latencies drawn from PLAIN."""
    latency: dict[int, int] = {}
    for bucket in random.choices(list(PLAIN), list(PLAIN.values()), k=requests):
        latency[bucket] = latency.get(bucket, 0) + 1
    return Sample(requests, sum(random.random() < share for _ in range(requests)), latency)


def history(seed: int, ticks: int, more: float = 0.0, weight: int = 25, rate: int = 80) -> list[Measurement]:
    """A release with 1 % of errors, and `more` in the candidate."""
    random = Random(seed)
    mine = rate * weight // 100
    return [
        tick(number, drawn(random, mine, 0.01 + more), drawn(random, rate - mine, 0.01))
        for number in range(1, ticks + 1)
    ]


def told(ticks: list[Measurement], weight: int = 25, policy: Policy = POLICY) -> Evidence:
    evidence = begin(policy, known(1000))
    for one in ticks:
        evidence = step(policy, evidence, one, weight)
    return evidence
