"""What becomes of a release that is moved by its proofs: caught, promoted, or neither by a deadline; when and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, inf, log, sqrt
from statistics import NormalDist
from typing import Literal

from headgate.analysis import rate
from headgate.analysis.edges import ENOUGH
from headgate.analysis.growth import (
    SELECTED,
    Growth,
    Regression,
    Side,
    moment_seconds,
    opinions,
    opinions_on_record,
    proof,
    sides,
)
from headgate.analysis.metric import Metric
from headgate.analysis.policy import Policy
from headgate.model.measurements import Traffic

# A regression within a gate's margin is proven harmless there and goes on; a larger one never is, and stays at that
# weight until its harm is proven or the deadline comes. So harm and proofs race within each stage. The same answers
# drive both: a candidate that happens to look bad is caught early and proven late. One number is therefore the luck of
# a release, a quantile of the normal law; evidence of harm is taken at that quantile, proofs at its opposite, and all
# moments of evidence follow in closed form. The releases of all lucks together are what is to be expected.

LUCKS = 40
NORMAL = NormalDist()
LUCK = tuple(NORMAL.inv_cdf((number + 0.5) / LUCKS) for number in range(LUCKS))
STILL = Growth(0.0, 0.0)
FOR_EVER = 30 * 86400.0  # seconds

Leg = tuple[Growth, float]  # how evidence grows, for so many seconds
Outcome = Literal["caught", "promoted", "stopped"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rollout's rules say beside its policy. Seconds."""

    deadline: float  # of each step
    unproven: str = "hold"
    beat: float = 1.0  # between two measurements
    bake: float = 0.0
    services: int = 1
    prepared: float = 10.0  # that the stable alone is measured, while the candidate gets ready


@dataclass(frozen=True, slots=True)
class Walk:
    """One release of a certain luck. `stopped`: it had proven nothing by a deadline, and does not go on by itself."""

    outcome: Outcome
    seconds: float
    weight: float  # 0-1, where it ended
    answers: float  # that the candidate gave until then
    stages: tuple[float, ...]  # seconds in each


@dataclass(frozen=True, slots=True)
class Span:
    usual: float  # median
    worst: float  # 95 %


@dataclass(frozen=True, slots=True)
class Course:
    """Shares of the releases with this regression; times of those that are caught, or promoted."""

    caught: float
    promoted: float
    stopped: float
    until_caught: Span | None
    until_promoted: Span | None
    bad: Span | None  # answers that users get worse until it is caught
    weight: float | None  # where most are caught


def course(policy: Policy, traffic: Traffic, worse: Regression, terms: Terms) -> Course:
    walked = walks(policy, traffic, worse, terms)
    caught = [one for one in walked if one.outcome == "caught"]
    promoted = [one for one in walked if one.outcome == "promoted"]
    share = worse.more_errors or 1.0  # where nothing fails, slower answers are the bad ones
    weights = sorted(one.weight for one in caught)
    return Course(
        len(caught) / LUCKS,
        len(promoted) / LUCKS,
        1 - (len(caught) + len(promoted)) / LUCKS,
        _span([one.seconds for one in caught]),
        _span([one.seconds for one in promoted]),
        _span([one.answers * share for one in caught]),
        weights[len(weights) // 2] if weights else None,
    )


def walks(policy: Policy, traffic: Traffic, worse: Regression, terms: Terms) -> tuple[Walk, ...]:
    race = Race(policy, traffic, worse, terms)
    return tuple(race.walk(luck) for luck in LUCK)


class Race:
    def __init__(self, policy: Policy, traffic: Traffic, worse: Regression, terms: Terms) -> None:
        self.policy, self.traffic, self.terms = policy, traffic, terms
        self.weights = [weight / 100 for weight in policy.weights]
        self.runners = [Runner(policy, traffic, terms, *one) for one in sides(policy, traffic, worse)]

    def walk(self, luck: float) -> Walk:
        spent: list[float] = []
        for stage in range(len(self.weights)):
            harmed, proven = self._harmed(spent, luck), self._proven(stage, spent, luck)
            limit = min(proven, self.terms.deadline)
            if harmed <= limit:
                return self._ended("caught", [*spent, harmed])
            spent.append(limit)
            if proven > limit and self.terms.unproven != "promote":
                return self._ended("stopped", spent)
        harmed = self._harmed(spent, luck)
        if harmed <= self.terms.bake:
            return self._ended("caught", [*spent, harmed])
        return self._ended("promoted", [*spent, self.terms.bake])

    def _harmed(self, spent: Sequence[float], luck: float) -> float:
        """Seconds of the stage that follows what was spent."""
        return min((one.harmed(spent, luck) for one in self.runners), default=inf)

    def _proven(self, stage: int, spent: Sequence[float], luck: float) -> float:
        answers = self.traffic.rate * self.weights[stage]
        least = max(self.policy.dwell + self.terms.beat, self.policy.minimum_requests / answers)
        return max(least, *(one.proven(stage, spent, luck) for one in self.runners if one.metric.accept))

    def _ended(self, outcome: Outcome, stages: Sequence[float]) -> Walk:
        weights = [*self.weights, 1.0][: len(stages)]
        answers = sum(self.traffic.rate * weight * seconds for weight, seconds in zip(weights, stages, strict=True))
        return Walk(outcome, sum(stages), weights[-1] if weights else 1.0, answers, tuple(stages))


class Runner:
    """One metric: its evidence of harm by opinion, and its proofs, in every stage; the last is the bake."""

    def __init__(self, policy: Policy, traffic: Traffic, terms: Terms, metric: Metric, side: Side) -> None:
        self.policy, self.traffic, self.terms, self.metric = policy, traffic, terms, metric
        self.weights = [*(weight / 100 for weight in policy.weights), 1.0]
        harm = [opinions(traffic, metric, side, weight) for weight in self.weights[:-1]]
        self.harm = [*harm, opinions_on_record(traffic, metric, side, self._record())]
        margins = [metric.accept.scaled(gate) for gate in policy.gates()] if metric.accept else []
        self.proofs = [
            [proof(traffic, metric, side, weight, margin) for weight in self.weights[:-1]] for margin in margins
        ]
        self.bar = policy.bar(metric.name, terms.services)
        self.kept = self.bar - rate.allowance(policy, metric, terms.services)  # what no blip may bring
        self.delay = self._delay()

    def _record(self) -> float:
        """Answers of the stable that a bake is compared with, at least."""
        canary = sum((1 - weight) * self.policy.dwell for weight in self.weights[:-1])
        answers = self.traffic.rate * (self.terms.prepared + canary)
        return 0.0 if self.metric.edges and answers < ENOUGH else answers

    def _delay(self) -> float:
        """Seconds of the first stage until the stable has answered often enough to choose latency edges."""
        if not self.metric.edges:
            return 0.0
        missing = ENOUGH - self.traffic.rate * self.terms.prepared
        return max(missing, 0.0) / (self.traffic.rate * (1 - self.weights[0])) if len(self.weights) > 1 else 0.0

    def harmed(self, spent: Sequence[float], luck: float) -> float:
        stage = len(spent)
        starts = [log(share) for share in rate.harm_start(self.metric)[1:]]
        before, first = sum(spent), inf
        for number, start in enumerate(starts):
            if not self.harm[stage]:
                break
            legs = self._legs([one[number] if one else STILL for one in self.harm[: stage + 1]], spent)
            first = min(first, self._opinion(legs, start, luck, stage))
        return self._whole(max(first - before, 0.0), stage)

    def _opinion(self, legs: Sequence[Leg], start: float, luck: float, stage: int) -> float:
        total = crossing(legs, start, self.bar, luck)
        moment = moment_seconds(self.policy, self._answers(stage), self.terms.beat)
        if self.metric.name == "outage" or not moment:
            return total
        # The best moment is selected, hence larger than an average one.
        selected = SELECTED * sqrt(legs[-1][0].variance * moment)
        return max(total, crossing(legs, start, self.kept + selected, luck) + moment)

    def proven(self, stage: int, spent: Sequence[float], luck: float) -> float:
        legs = self._legs(self.proofs[stage][: stage + 1], spent)
        found = passage(legs, self.policy.proven - log(rate.ACCEPT_START[2]), NORMAL.cdf(-luck))
        return self._whole(max(found - sum(spent), 0.0), stage)

    def _legs(self, growths: Sequence[Growth], spent: Sequence[float]) -> list[Leg]:
        seconds = [*spent, inf]
        if not self.delay:
            return list(zip(growths, seconds, strict=True))
        late = [(STILL, self.delay), (growths[0], max(seconds[0] - self.delay, 0.0))]
        return [*late, *zip(growths[1:], seconds[1:], strict=True)]

    def _answers(self, stage: int) -> float:
        return self.traffic.rate * self.weights[stage]

    def _whole(self, seconds: float, stage: int) -> float:
        """Until the measurement after: thin ones are summed until there are answers enough to compare."""
        stratum = max(self.terms.beat, rate.least(self.metric) / self._answers(stage))
        return ceil(seconds / stratum - 1e-9) * stratum if seconds < inf else inf


def crossing(legs: Sequence[Leg], start: float, bar: float, luck: float) -> float:
    """Seconds until evidence that begins at `start` reaches the bar, at this quantile of each moment."""
    mean, variance, passed = start, 0.0, 0.0
    for growth, seconds in legs:
        found = _within(mean - bar, variance, growth, luck)
        if found <= seconds:
            return passed + found
        mean, variance, passed = mean + growth.mean * seconds, variance + growth.variance * seconds, passed + seconds
    return inf


def passage(legs: Sequence[Leg], bar: float, share: float) -> float:
    """Seconds until this share of the releases has reached the bar at least once: evidence may fall again after."""
    mean = variance = passed = 0.0
    for growth, seconds in legs:
        end = min(seconds, FOR_EVER)
        if _passed(mean + growth.mean * end, variance + growth.variance * end, bar) >= share:
            return passed + _bisected(mean, variance, growth, (bar, share, end))
        mean, variance, passed = mean + growth.mean * end, variance + growth.variance * end, passed + end
    return inf


def _bisected(mean: float, variance: float, growth: Growth, wanted: tuple[float, float, float]) -> float:
    bar, share, high = wanted
    low = 0.0
    while high - low > max(0.2, 0.005 * low):
        middle = (low + high) / 2 if high < 4 * low + 100 else 2 * low + 25  # most are soon
        reached = _passed(mean + growth.mean * middle, variance + growth.variance * middle, bar) >= share
        low, high = (low, middle) if reached else (middle, high)
    return high


def _passed(mean: float, variance: float, bar: float) -> float:
    """Share of walks with this drift and variance that have been at the bar: the inverse Gaussian law."""
    if variance <= 0:
        return 0.0
    wide = sqrt(variance)
    back = NORMAL.cdf((-bar - mean) / wide)
    again = exp(min(2 * mean * bar / variance, 700.0)) * back if back else 0.0
    return NORMAL.cdf((mean - bar) / wide) + again


def _within(below: float, variance: float, growth: Growth, luck: float) -> float:
    """The first t at which below + mean t + luck sqrt(variance + growth t) is not negative: a parabola in the root."""
    least = sqrt(variance)
    if below + luck * least >= 0:
        return 0.0
    if growth.variance <= 0:
        return -(below + luck * least) / growth.mean if growth.mean > 0 else inf
    square = growth.mean / growth.variance
    rest = below - square * variance
    roots = [one for one in _roots(square, luck, rest) if one > least]
    return (min(roots) ** 2 - variance) / growth.variance if roots else inf


def _roots(square: float, linear: float, rest: float) -> tuple[float, ...]:
    if square == 0:
        return (-rest / linear,) if linear else ()
    inside = linear * linear - 4 * square * rest
    if inside < 0:
        return ()
    return tuple((-linear + sign * sqrt(inside)) / (2 * square) for sign in (1, -1))


def _span(found: Sequence[float]) -> Span | None:
    """Median and 95 %, between neighbours."""
    ordered = sorted(found)
    return Span(quantile(ordered, 0.5), quantile(ordered, 0.95)) if ordered else None


def quantile(ordered: Sequence[float], share: float) -> float:
    place = min(max(share * len(ordered) - 0.5, 0.0), len(ordered) - 1.0)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
