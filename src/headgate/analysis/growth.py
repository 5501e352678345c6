"""How fast evidence grows in a given traffic, on both sides of the truth: what every forecast of the judge rests on."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log1p, sqrt

from headgate.analysis import rate
from headgate.analysis.edges import graded_levels, latency_metrics
from headgate.analysis.evalue import Bet, Margin, accept_bet, harm_bet
from headgate.analysis.metric import Metric
from headgate.analysis.outage import OUTAGE, error_metric
from headgate.analysis.policy import Arms, Policy
from headgate.model.measurements import Traffic

# The gain of one second is a sum over independent answers: its mean and variance follow from the shares. Sums over
# seconds are taken as normal. Of all opinions, the one that leads decides (less the logarithm of its first share);
# the best moment that a blip could explain is taken away at its mean, and a little more, for the best is selected.

SELECTED = 0.75  # standard deviations by which the best moment exceeds an average one
CALM = 0.85  # of the time: in the rest, trouble of both arms hides what one of them does
SCATTER = 1.12  # by which evidence is usually divided


@dataclass(frozen=True, slots=True)
class Regression:
    more_errors: float = 0.0  # share of requests, absolute
    slower: float = 0.0  # every latency, relative


@dataclass(frozen=True, slots=True)
class Side:
    """Shares of answers at each score."""

    candidate: tuple[float, ...]
    stable: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Growth:
    """Of evidence in one second, nats."""

    mean: float
    variance: float


def sides(policy: Policy, traffic: Traffic, worse: Regression) -> Iterator[tuple[Metric, Side]]:
    """Of every metric that the policy compares."""
    return ((metric, side) for metric, side in _sides(policy, traffic, worse) if policy.judges(metric.name))


def _sides(policy: Policy, traffic: Traffic, worse: Regression) -> Iterator[tuple[Metric, Side]]:
    errors = traffic.errors, min(traffic.errors + worse.more_errors, 1.0)
    for metric in (error_metric(policy), OUTAGE):
        yield metric, Side((1 - errors[1], errors[1]), (1 - errors[0], errors[0]))
    widened = policy.widened(policy.latency), policy.widened(policy.p99)
    for metric in latency_metrics(traffic.latency, *widened):
        usual = graded_levels(traffic.latency, metric.edges, 0.0)
        yield metric, Side(graded_levels(traffic.latency, metric.edges, worse.slower), usual)


def moment_seconds(policy: Policy, answers: float, beat: float = 1.0) -> int:
    """Seconds that a blip can touch, at so many answers of the candidate in a second and a measurement each beat."""
    stratum = max(beat, rate.LEAST / answers)
    return round((ceil(policy.blip / stratum) + 1) * stratum) if policy.blip else 0


def opinions(traffic: Traffic, metric: Metric, side: Side, arms: Arms) -> list[Growth]:
    share = max(_mean(metric, side.stable), 1e-5)
    return _opinions(traffic, metric, side, arms, (share, metric.harm))


def opinions_on_record(traffic: Traffic, metric: Metric, side: Side, answers: float) -> list[Growth]:
    """At full weight, against so many recorded answers of the stable. None where there is no record to go by."""
    if answers < rate.least(metric):
        return []
    usual, by = _mean(metric, side.stable), rate.OUTAGE_FACTOR if metric.name == "outage" else SCATTER
    share = usual + 2 * sqrt(by * metric.spread * usual * (1 - usual) / answers)
    return _opinions(traffic, metric, side, (1.0, 0.0), (min(max(share, 1e-5), 0.9), metric.record))


def _opinions(
    traffic: Traffic, metric: Metric, side: Side, arms: Arms, allowed: tuple[float, Margin]
) -> list[Growth]:
    share, margin = allowed
    parts = arms[0] / arms[1] if arms[1] else 0.0
    return [
        _growth(traffic, metric, side, arms, harm_bet(share, one, margin, parts, metric.spread))
        for one in rate.alternatives(metric, margin.at(share))
    ]


def proof(traffic: Traffic, metric: Metric, side: Side, arms: Arms, margin: Margin) -> Growth:
    """By the opinion that the candidate is as the stable."""
    return proofs(traffic, metric, side, arms, margin)[rate.EQUAL.index(1.0)]


def proofs(traffic: Traffic, metric: Metric, side: Side, arms: Arms, margin: Margin) -> list[Growth]:
    """By each opinion of `rate.EQUAL`."""
    share = max(_mean(metric, side.stable), 1e-5)
    margin = margin.within(share)
    most, parts = 0.95 * margin.at(share), arms[0] / arms[1]
    bets = [accept_bet(share, min(share * times, most), margin, parts, metric.spread) for times in rate.EQUAL]
    return [_growth(traffic, metric, side, arms, made) for made in bets]


def _growth(traffic: Traffic, metric: Metric, side: Side, arms: Arms, made: Bet) -> Growth:
    by = rate.OUTAGE_FACTOR if metric.name == "outage" else SCATTER
    mean = variance = 0.0
    both = (
        (side.candidate, arms[0], made.stake, made.bound),
        (side.stable, arms[1], made.hedge, made.reference),
    )
    for levels, part, stake, reference in both:
        logs = [log1p(stake * (score - reference)) / by for score in metric.scores]
        average = sum(share * one for share, one in zip(levels, logs, strict=True))
        square = sum(share * one * one for share, one in zip(levels, logs, strict=True))
        mean += traffic.rate * part * average * CALM
        variance += traffic.rate * part * (square - average * average) * by  # what scatters is worth less, not calmer
    if metric.name == "outage":
        mean = min(mean, rate.OUTAGE_GAIN)
    return Growth(mean, variance)


def _mean(metric: Metric, levels: tuple[float, ...]) -> float:
    return sum(score * share for score, share in zip(metric.scores, levels, strict=True))
