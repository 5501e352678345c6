"""On a clock's schedule: how often a regression is found, when, and what it costs until then.

`course` answers the same for releases that are moved by their proofs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import erf, log, sqrt

from headgate.analysis import rate
from headgate.analysis.growth import (
    SELECTED,
    Growth,
    Regression,
    Side,
    moment_seconds,
    opinions,
    proof,
    sides,
)
from headgate.analysis.metric import Metric
from headgate.analysis.policy import Policy
from headgate.model.measurements import Traffic

HORIZON = 3600  # seconds


@dataclass(frozen=True, slots=True)
class Expectation:
    """Times in seconds; None: more than half (one in twenty) of them take longer than the schedule lasts."""

    caught: float  # probability
    usual: float | None
    worst: float | None  # 95 %
    bad: float | None  # answers that users get worse, until the usual time


@dataclass(frozen=True, slots=True)
class Stage:
    weight: float  # 0-1
    seconds: float


def schedule(policy: Policy, seconds: Sequence[float]) -> tuple[Stage, ...]:
    return tuple(Stage(weight / 100, one) for weight, one in zip(policy.weights, seconds, strict=True))


def detection(policy: Policy, traffic: Traffic, worse: Regression, stages: Sequence[Stage]) -> Expectation:
    """Of a regression that is there from the beginning, on a release that is moved by the clock."""
    chances = [0.0] * int(sum(stage.seconds for stage in stages))
    for metric, side in sides(policy, traffic, worse):
        for second, chance in enumerate(_harm_chances(policy, traffic, metric, side, stages)):
            chances[second] = max(chances[second], chance)
    usual, worst = _first(chances, 0.5), _first(chances, 0.95)
    bad = None if usual is None else _bad(traffic, worse, stages, usual)
    return Expectation(max(chances, default=0.0), usual, worst, bad)


def promotion(policy: Policy, traffic: Traffic) -> Expectation:
    """Of a release that is as good as the stable and is moved by its proofs."""
    usual, worst = (_promoted(policy, traffic, chance) for chance in (0.5, 0.95))
    caught = 0.0 if usual is None else 0.5 if worst is None else 0.95
    return Expectation(caught, usual, worst, 0.0)


def _harm_chances(
    policy: Policy, traffic: Traffic, metric: Metric, side: Side, stages: Sequence[Stage]
) -> Iterator[float]:
    """Chance to be put back by this metric until each second."""
    growths = [opinions(traffic, metric, side, policy.arms(stage.weight)) for stage in stages]
    start = [log(share) for share in rate.harm_start(metric)[1:]]
    means, variances, moments = [start], [[0.0] * len(start)], [0]
    for growth, stage in zip(growths, stages, strict=True):
        moment = moment_seconds(policy, traffic.rate * stage.weight)
        for _ in range(int(stage.seconds)):
            moments.append(moment)
            means.append([mean + one.mean for mean, one in zip(means[-1], growth, strict=True)])
            variances.append([seen + one.variance for seen, one in zip(variances[-1], growth, strict=True)])
    highest = 0.0
    for second in range(1, len(means)):
        highest = max(highest, _reached(policy, metric, means, variances, (second, moments[second])))
        yield highest


def _reached(
    policy: Policy, metric: Metric, means: list[list[float]], variances: list[list[float]], at: tuple[int, int]
) -> float:
    second, moment_seconds = at
    lead = max(range(len(means[second])), key=means[second].__getitem__)
    total, scatter = means[second][lead], variances[second][lead]
    if metric.name != "outage":
        before = max(second - moment_seconds, 0)
        moment = total - means[before][lead]
        moment += SELECTED * sqrt(max(scatter - variances[before][lead], 0.0)) * (before > 0)
        taken = max(moment - rate.allowance(policy, metric, 1), 0.0)
        total -= taken
        if taken:
            scatter = variances[before][lead]
    return _normal((total - policy.bar(metric.name)) / sqrt(max(scatter, 1e-9)))


def _promoted(policy: Policy, traffic: Traffic, chance: float) -> float | None:
    """Stage by stage at this quantile."""
    runs = [(metric, side) for metric, side in sides(policy, traffic, Regression()) if metric.accept]
    spent: list[tuple[float, float]] = []  # weight, seconds of the stages before
    for weight, gate in zip(policy.weights, policy.gates(), strict=True):
        here = _gate_seconds(policy, traffic, runs, [*spent, (weight / 100, 0.0)], gate, chance)
        if here is None:
            return None
        spent.append((weight / 100, here))
    return sum(seconds for _, seconds in spent)


def _gate_seconds(
    policy: Policy,
    traffic: Traffic,
    runs: Sequence[tuple[Metric, Side]],
    spent: Sequence[tuple[float, float]],
    gate: float,
    chance: float,
) -> float | None:
    longest = max(policy.dwell, policy.minimum_requests / (traffic.rate * spent[-1][0]))
    for metric, side in runs:
        if not metric.accept:
            continue
        margin = metric.accept.scaled(gate)
        growths = [proof(traffic, metric, side, policy.arms(weight), margin) for weight, _ in spent]
        mean = log(rate.ACCEPT_START[2]) + sum(one.mean * s for one, (_, s) in zip(growths, spent, strict=True))
        variance = sum(one.variance * s for one, (_, s) in zip(growths, spent, strict=True))
        needed = _until(policy.proven, mean, variance, growths[-1], chance)
        if needed is None:
            return None
        longest = max(longest, needed)
    return longest


def _until(bar: float, mean: float, variance: float, growth: Growth, chance: float) -> float | None:
    for second in range(HORIZON):
        wide = sqrt(max(variance + growth.variance * second, 1e-9))
        if _normal((mean + growth.mean * second - bar) / wide) >= chance:
            return float(second)
    return None


def _bad(traffic: Traffic, worse: Regression, stages: Sequence[Stage], until: float) -> float:
    """Failed answers; where nothing fails, slower ones."""
    answers, left = 0.0, until
    for stage in stages:
        answers += traffic.rate * stage.weight * min(stage.seconds, left)
        left = max(left - stage.seconds, 0.0)
    return answers * (worse.more_errors or 1.0)


def _first(chances: Sequence[float], wanted: float) -> float | None:
    return next((float(second) for second, chance in enumerate(chances, 1) if chance >= wanted), None)


def _normal(z: float) -> float:
    return (1 + erf(z / sqrt(2))) / 2
