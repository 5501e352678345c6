"""Headgate's judge on a world: releases that are put back, promoted, or still open at the end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.verdicts.latency import Shape
from benchmarks.verdicts.twin import TwinRate
from benchmarks.verdicts.world import Floats, Second
from headgate.analysis.edges import Histogram, latency_metrics
from headgate.analysis.metric import Metric
from headgate.analysis.outage import OUTAGE, error_metric
from headgate.analysis.policy import Policy
from headgate.model.measurements import Sample, edge

ANSWERS = 100_000  # of the stable, before the release


def reference() -> Histogram:
    """What the stable's histogram looks like, in whole answers."""
    beyond = Shape().beyond(np.array([edge(bucket) for bucket in range(-1, 120)]))
    counts = np.round(-np.diff(beyond) * ANSWERS).astype(int)
    return {bucket: int(count) for bucket, count in enumerate(counts) if count}


def metrics(policy: Policy) -> tuple[Metric, ...]:
    errors = (error_metric(policy), OUTAGE)
    return (*errors, *latency_metrics(reference(), policy.widened(policy.latency), policy.widened(policy.p99)))


def places(found: tuple[Metric, ...]) -> tuple[int, ...]:
    return tuple(sorted({bucket for metric in found for bucket in metric.edges}))


@dataclass
class Beat:
    """Sums over one beat of the judge."""

    requests: Floats
    bad: Floats
    slow: Floats
    stable_requests: Floats
    stable_bad: Floats
    stable_slow: Floats

    @staticmethod
    def of(seconds: list[Second]) -> "Beat":
        def total(name: str) -> Floats:
            return np.sum([getattr(second, name) for second in seconds], axis=0).astype(float)

        return Beat(*(total(name) for name in Beat.__dataclass_fields__))

    def levels(self, metric: Metric, known: tuple[int, ...]) -> tuple[Floats, Floats]:
        """Answers at each score (rows) of candidate and stable."""
        if not metric.edges:
            return (
                np.stack([self.requests - self.bad, self.bad]),
                np.stack([self.stable_requests - self.stable_bad, self.stable_bad]),
            )
        columns = [known.index(bucket) for bucket in metric.edges]
        mine = _levels(self.requests, self.slow[:, columns])
        return mine, _levels(self.stable_requests, self.stable_slow[:, columns])


def _levels(requests: Floats, slow: Floats) -> Floats:
    beyond = np.concatenate([requests[:, None], slow, np.zeros((len(requests), 1))], axis=1)
    return -np.diff(beyond, axis=1).T


class TwinJudge:
    def __init__(self, policy: Policy, releases: int, errors: float) -> None:
        self.policy, self.metrics = policy, metrics(policy)
        self.places = places(self.metrics)
        histogram = reference()
        self.rates = []
        for metric in self.metrics:
            levels = metric.levels(Sample(ANSWERS, 0, histogram))
            share = sum(s * n for s, n in zip(metric.scores, levels, strict=True)) / sum(levels)
            self.rates.append(TwinRate(metric, policy, releases, share if metric.edges else errors, ANSWERS))

    def watch(self, beat: Beat, seconds: float, changed: NDArray[np.bool_], alone: bool) -> None:
        for rate in self.rates:
            if changed.any():
                rate.step(changed)
            candidate, stable = beat.levels(rate.metric, self.places)
            rate.watch(candidate, stable, seconds, alone)

    def evidence(self) -> Floats:
        """Metric by release: part of the bar (1 is enough to put back)."""
        return np.stack(
            [np.exp(np.minimum(rate.nats() - self.policy.bar(rate.metric.name), 50.0)) for rate in self.rates]
        )

    def proven(self, stage: NDArray[np.int64]) -> NDArray[np.bool_]:
        proofs = [rate.proof(stage) for rate in self.rates if rate.gates]
        return np.min(proofs, axis=0) >= self.policy.proven
