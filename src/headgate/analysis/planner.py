"""Before anything runs: how long the judge will need, how often it will find a regression, and what that will cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, erf, log, log1p, sqrt

from headgate.analysis import rate
from headgate.analysis.edges import Histogram, graded_levels, latency_metrics
from headgate.analysis.evalue import Bet, Margin, accept_bet, harm_bet
from headgate.analysis.metric import Metric
from headgate.analysis.outage import OUTAGE, error_metric
from headgate.analysis.policy import Policy

# The gain of one second is a sum over independent answers: its mean and variance follow from the shares. Sums over
# seconds are taken as normal. Of all opinions, the one that leads decides (less the logarithm of its first share);
# the best moment that a blip could explain is taken away at its mean, and a little more, for the best is selected.

SELECTED = 0.75  # standard deviations by which the best moment exceeds an average one
HORIZON = 3600  # seconds
CALM = 0.85  # of the time: in the rest, trouble of both arms hides what one of them does
SCATTER = 1.12  # by which evidence is usually divided


_Arms = tuple[float, float]  # shares of all traffic (0-1): of the candidate, of what it is compared with


@dataclass(frozen=True, slots=True)
class Traffic:
    rate: float  # requests per second of candidate and stable together
    errors: float  # share of the stable
    latency: Histogram


@dataclass(frozen=True, slots=True)
class Regression:
    more_errors: float = 0.0  # share of requests, absolute
    slower: float = 0.0  # every latency, relative


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


@dataclass(frozen=True, slots=True)
class _Side:
    """Shares of answers at each score."""

    candidate: tuple[float, ...]
    stable: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Growth:
    """Of evidence in one second, nats."""

    mean: float
    variance: float


def schedule(policy: Policy, seconds: Sequence[float]) -> tuple[Stage, ...]:
    return tuple(Stage(weight / 100, one) for weight, one in zip(policy.weights, seconds, strict=True))


def detection(policy: Policy, traffic: Traffic, worse: Regression, stages: Sequence[Stage]) -> Expectation:
    """Of a regression that is there from the beginning, on a release that is moved by the clock."""
    chances = [0.0] * int(sum(stage.seconds for stage in stages))
    for metric, side in _sides(policy, traffic, worse):
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


def _sides(policy: Policy, traffic: Traffic, worse: Regression) -> Iterator[tuple[Metric, _Side]]:
    errors = traffic.errors, min(traffic.errors + worse.more_errors, 1.0)
    for metric in (error_metric(policy), OUTAGE):
        yield metric, _Side((1 - errors[1], errors[1]), (1 - errors[0], errors[0]))
    widened = policy.widened(policy.latency), policy.widened(policy.p99)
    for metric in latency_metrics(traffic.latency, *widened):
        usual = graded_levels(traffic.latency, metric.edges, 0.0)
        yield metric, _Side(graded_levels(traffic.latency, metric.edges, worse.slower), usual)


def _harm_chances(
    policy: Policy, traffic: Traffic, metric: Metric, side: _Side, stages: Sequence[Stage]
) -> Iterator[float]:
    """Chance to be put back by this metric until each second."""
    growths = [_opinions(traffic, metric, side, _arms(policy, stage.weight)) for stage in stages]
    start = [log(share) for share in rate.harm_start(metric)[1:]]
    means, variances, moments = [start], [[0.0] * len(start)], [0]
    for growth, stage in zip(growths, stages, strict=True):
        moment = _moment(policy, traffic.rate * stage.weight)
        for _ in range(int(stage.seconds)):
            moments.append(moment)
            means.append([mean + one.mean for mean, one in zip(means[-1], growth, strict=True)])
            variances.append([seen + one.variance for seen, one in zip(variances[-1], growth, strict=True)])
    highest = 0.0
    for second in range(1, len(means)):
        highest = max(highest, _reached(policy, metric, means, variances, (second, moments[second])))
        yield highest


def _moment(policy: Policy, answers: float) -> int:
    """Seconds that a blip can touch, at so many answers of the candidate in a second."""
    stratum = max(1.0, rate.LEAST / answers)
    return round((ceil(policy.blip / stratum) + 1) * stratum) if policy.blip else 0


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


def _arms(policy: Policy, weight: float) -> _Arms:
    return weight, policy.other(weight)


def _opinions(traffic: Traffic, metric: Metric, side: _Side, arms: _Arms) -> list[_Growth]:
    share = max(_mean(metric, side.stable), 1e-5)
    parts = arms[0] / arms[1]
    return [
        _growth(traffic, metric, side, arms, harm_bet(share, one, metric.harm, parts, metric.spread))
        for one in rate.alternatives(metric, metric.harm.at(share))
    ]


def _proof(traffic: Traffic, metric: Metric, side: _Side, arms: _Arms, margin: Margin) -> _Growth:
    share = max(_mean(metric, side.stable), 1e-5)
    margin = margin.within(share)
    equal = min(share, 0.95 * margin.at(share))
    made = accept_bet(share, equal, margin, arms[0] / arms[1], metric.spread)
    return _growth(traffic, metric, side, arms, made)


def _growth(traffic: Traffic, metric: Metric, side: _Side, arms: _Arms, made: Bet) -> _Growth:
    by = rate.OUTAGE_FACTOR if metric.name == "outage" else SCATTER
    mean = variance = 0.0
    sides = (
        (side.candidate, arms[0], made.stake, made.bound),
        (side.stable, arms[1], made.hedge, made.reference),
    )
    for levels, part, stake, reference in sides:
        logs = [log1p(stake * (score - reference)) / by for score in metric.scores]
        average = sum(share * one for share, one in zip(levels, logs, strict=True))
        square = sum(share * one * one for share, one in zip(levels, logs, strict=True))
        mean += traffic.rate * part * average * CALM
        variance += traffic.rate * part * (square - average * average) * by  # what scatters is worth less, not calmer
    if metric.name == "outage":
        mean = min(mean, rate.OUTAGE_GAIN)
    return _Growth(mean, variance)


def _promoted(policy: Policy, traffic: Traffic, chance: float) -> float | None:
    """Stage by stage at this quantile."""
    sides = [(metric, side) for metric, side in _sides(policy, traffic, Regression()) if metric.accept]
    spent: list[tuple[float, float]] = []  # weight, seconds of the stages before
    for weight, gate in zip(policy.weights, policy.gates(), strict=True):
        here = _gate_seconds(policy, traffic, sides, [*spent, (weight / 100, 0.0)], gate, chance)
        if here is None:
            return None
        spent.append((weight / 100, here))
    return sum(seconds for _, seconds in spent)


def _gate_seconds(
    policy: Policy,
    traffic: Traffic,
    sides: Sequence[tuple[Metric, _Side]],
    spent: Sequence[tuple[float, float]],
    gate: float,
    chance: float,
) -> float | None:
    longest = max(policy.dwell, policy.minimum_requests / (traffic.rate * spent[-1][0]))
    for metric, side in sides:
        if not metric.accept:
            continue
        margin = metric.accept.scaled(gate)
        growths = [_proof(traffic, metric, side, _arms(policy, weight), margin) for weight, _ in spent]
        mean = log(rate.ACCEPT_START[2]) + sum(one.mean * s for one, (_, s) in zip(growths, spent, strict=True))
        variance = sum(one.variance * s for one, (_, s) in zip(growths, spent, strict=True))
        needed = _until(policy.proven, mean, variance, growths[-1], chance)
        if needed is None:
            return None
        longest = max(longest, needed)
    return longest


def _until(bar: float, mean: float, variance: float, growth: _Growth, chance: float) -> float | None:
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


def _mean(metric: Metric, levels: tuple[float, ...]) -> float:
    return sum(score * share for score, share in zip(metric.scores, levels, strict=True))


def _normal(z: float) -> float:
    return (1 + erf(z / sqrt(2))) / 2
