"""What becomes of a release that is moved by its proofs: caught, promoted, or neither by a deadline; when and where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    proofs,
    sides,
)
from headgate.analysis.metric import Metric
from headgate.analysis.policy import Policy
from headgate.model.measurements import Traffic

# A regression within a gate's margin is proven harmless there and goes on; a larger one never is, and stays at that
# weight until its harm is proven or the deadline comes. So harm and proofs race within each stage. The same answers
# drive both: a candidate that happens to look bad is caught early and proven late. One number is therefore the luck of
# a release in a stage, a quantile of the normal law: evidence of harm is taken at that quantile, proofs at its
# opposite. What comes after a stage knows nothing of the luck in it, so the lucks of later stages are dealt out anew,
# evenly (a lattice, where a simulation would draw).

LUCKS = 64
NORMAL = NormalDist()
LUCK = tuple(NORMAL.inv_cdf((number + 0.5) / LUCKS) for number in range(LUCKS))
STRIDES = (1, 25, 19, 45, 11, 37, 29, 53)  # of the lattice, by stage: without a divisor that LUCKS has
STILL = Growth(0.0, 0.0)
WEATHER = (1.15, 1.0, 0.6)  # how fast evidence grows in a third of the releases each: bursts and drift meet some
FOR_EVER = 30 * 86400.0  # seconds

Leg = tuple[Growth, float, float]  # how evidence grows, for so many seconds, with what luck
Stage = tuple[float, float]  # one that is over: seconds, luck
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
    found = tuple(sides(policy, traffic, worse))
    races = [Race(policy, traffic, found, terms, weather) for weather in WEATHER]
    stages = len(policy.weights) + 1
    return tuple(races[number % len(races)].walk(_lucks(number, stages)) for number in range(LUCKS))


def _lucks(number: int, stages: int) -> tuple[float, ...]:
    return tuple(LUCK[(STRIDES[stage % len(STRIDES)] * number + 7 * stage) % LUCKS] for stage in range(stages))


class Race:
    def __init__(
        self,
        policy: Policy,
        traffic: Traffic,
        found: Sequence[tuple[Metric, Side]],
        terms: Terms,
        weather: float = 1.0,
    ) -> None:
        self.policy, self.traffic, self.terms = policy, traffic, terms
        self.weights = [weight / 100 for weight in policy.weights]
        told = replace(traffic, rate=traffic.rate * weather)  # so many answers that tell something
        self.runners = [Runner(policy, traffic, told, terms, *one) for one in found]
        self.proving = [one for one in self.runners if one.metric.accept]

    def walk(self, lucks: Sequence[float]) -> Walk:
        spent: list[Stage] = []
        for stage, luck in enumerate(lucks[:-1]):
            harmed, proven = self._harmed(spent, luck), self._proven(stage, spent, luck)
            limit = min(proven, self.terms.deadline)
            if harmed <= limit:
                return self._ended("caught", [*spent, (harmed, luck)])
            spent.append((limit, luck))
            if proven > limit and self.terms.unproven != "promote":
                return self._ended("stopped", spent)
        luck = lucks[-1]
        harmed = self._harmed(spent, luck)
        if harmed <= self.terms.bake:
            return self._ended("caught", [*spent, (harmed, luck)])
        return self._ended("promoted", [*spent, (self.terms.bake, luck)])

    def _harmed(self, spent: Sequence[Stage], luck: float) -> float:
        """Seconds of the stage that follows what was spent."""
        return min((one.harmed(spent, luck) for one in self.runners), default=inf)

    def _proven(self, stage: int, spent: Sequence[Stage], luck: float) -> float:
        answers = self.traffic.rate * self.weights[stage]
        least = max(self.policy.dwell + self.terms.beat, self.policy.minimum_requests / answers)
        return max([least, *(one.proven(stage, spent, luck) for one in self.proving)])

    def _ended(self, outcome: Outcome, spent: Sequence[Stage]) -> Walk:
        stages = tuple(seconds for seconds, _ in spent)
        weights = [*self.weights, 1.0][: len(stages)]
        answers = sum(self.traffic.rate * weight * seconds for weight, seconds in zip(weights, stages, strict=True))
        return Walk(outcome, sum(stages), weights[-1], answers, stages)


class Runner:
    """One metric: its evidence of harm by opinion, and its proofs, in every stage; the last is the bake."""

    def __init__(
        self, policy: Policy, traffic: Traffic, told: Traffic, terms: Terms, metric: Metric, side: Side
    ) -> None:
        self.policy, self.traffic, self.terms, self.metric = policy, traffic, terms, metric
        self.weights = [*(weight / 100 for weight in policy.weights), 1.0]
        arms = [policy.arms(weight) for weight in self.weights[:-1]]
        harm = [opinions(told, metric, side, one) for one in arms]
        harm.append(opinions_on_record(told, metric, side, self._record()))
        self.harm = [[_leaking(metric, one) for one in found] for found in harm]
        margins = [metric.accept.scaled(gate) for gate in policy.gates()] if metric.accept else []
        self.proofs = [[proofs(told, metric, side, one, margin) for one in arms] for margin in margins]
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

    def harmed(self, spent: Sequence[Stage], luck: float) -> float:
        stage = len(spent)
        starts = [log(share) for share in rate.harm_start(self.metric)[1:]]
        before, first = _sum(spent), inf
        for number, start in enumerate(starts):
            if not self.harm[stage]:
                break
            legs = self._legs([one[number] if one else STILL for one in self.harm[: stage + 1]], spent, luck)
            first = min(first, self._opinion(legs, start, stage))
        return self._whole(max(first - before, 0.0), stage)

    def _opinion(self, legs: Sequence[Leg], start: float, stage: int) -> float:
        total = crossing(legs, start, self.bar)
        moment = moment_seconds(self.policy, self._answers(stage), self.terms.beat)
        if self.metric.name == "outage" or not moment:
            return total
        # The best moment is selected, hence larger than an average one.
        selected = SELECTED * sqrt(legs[-1][0].variance * moment)
        return max(total, crossing(legs, start, self.kept + selected) + moment)

    def proven(self, stage: int, spent: Sequence[Stage], luck: float) -> float:
        opposite = [(seconds, -one) for seconds, one in spent]
        first = inf
        for number, share in enumerate(rate.ACCEPT_START[1:]):
            legs = self._legs([one[number] for one in self.proofs[stage][: stage + 1]], opposite, -luck)
            first = min(first, passage(legs, self.policy.proven - log(share)))
        return self._whole(max(first - _sum(spent), 0.0), stage)

    def _legs(self, growths: Sequence[Growth], spent: Sequence[Stage], luck: float) -> list[Leg]:
        stages = [(growth, *one) for growth, one in zip(growths, [*spent, (inf, luck)], strict=True)]
        if not self.delay:
            return stages
        growth, seconds, luck = stages[0]
        return [(STILL, self.delay, 0.0), (growth, max(seconds - self.delay, 0.0), luck), *stages[1:]]

    def _answers(self, stage: int) -> float:
        return self.traffic.rate * self.weights[stage]

    def _whole(self, seconds: float, stage: int) -> float:
        """Until the measurement after: thin ones are summed until there are answers enough to compare."""
        stratum = max(self.terms.beat, rate.least(self.metric) / self._answers(stage))
        return ceil(seconds / stratum - 1e-9) * stratum if seconds < inf else inf


def _leaking(metric: Metric, growth: Growth) -> Growth:
    """A leader loses what is dealt out anew each second (`rate.HAZARD`)."""
    return growth if metric.name == "outage" else Growth(growth.mean - rate.HAZARD, growth.variance)


def crossing(legs: Sequence[Leg], start: float, bar: float) -> float:
    """Seconds until evidence that begins at `start` reaches the bar."""
    reached, passed = start, 0.0
    for growth, seconds, luck in legs:
        found = _within(reached - bar, growth, luck)
        if found <= seconds:
            return passed + found
        reached, passed = _after(reached, growth, seconds, luck), passed + seconds
    return inf


def passage(legs: Sequence[Leg], bar: float) -> float:
    """The same where having been at the bar once is enough: evidence may fall again after."""
    reached, passed = 0.0, 0.0
    for growth, seconds, luck in legs:
        share, left = NORMAL.cdf(-luck), bar - reached  # the luckiest are the first
        end = min(seconds, FOR_EVER)
        if left <= 0:
            return passed
        if _passed(growth, end, left) >= share:
            return passed + _bisected(growth, left, share, end)
        reached, passed = _after(reached, growth, seconds, luck), passed + seconds
    return inf


def _after(reached: float, growth: Growth, seconds: float, luck: float) -> float:
    return reached + growth.mean * seconds + luck * sqrt(growth.variance * seconds) if seconds < inf else reached


def _bisected(growth: Growth, bar: float, share: float, high: float) -> float:
    low = 0.0
    while high - low > max(0.2, 0.005 * low):
        middle = (low + high) / 2 if high < 4 * low + 100 else 2 * low + 25  # most are soon
        low, high = (low, middle) if _passed(growth, middle, bar) >= share else (middle, high)
    return high


def _passed(growth: Growth, seconds: float, bar: float) -> float:
    """Share of walks with this drift and variance that have been at the bar: the inverse Gaussian law."""
    mean, variance = growth.mean * seconds, growth.variance * seconds
    if variance <= 0:
        return 0.0
    wide = sqrt(variance)
    back = NORMAL.cdf((-bar - mean) / wide)
    again = exp(min(2 * mean * bar / variance, 700.0)) * back if back else 0.0
    return NORMAL.cdf((mean - bar) / wide) + again


def _within(below: float, growth: Growth, luck: float) -> float:
    """The first t at which below + mean t + luck sqrt(variance t) is not negative: a parabola in the root of t."""
    if below >= 0:
        return 0.0
    wide = sqrt(growth.variance)
    if growth.mean == 0:
        return (-below / (luck * wide)) ** 2 if luck * wide > 0 else inf
    inside = luck * luck * growth.variance - 4 * growth.mean * below
    if inside < 0:
        return inf
    roots = [(-luck * wide + sign * sqrt(inside)) / (2 * growth.mean) for sign in (1, -1)]
    return min((one * one for one in roots if one > 0), default=inf)


def _sum(spent: Sequence[Stage]) -> float:
    return sum(seconds for seconds, _ in spent)


def _span(found: Sequence[float]) -> Span | None:
    """Median and 95 %, between neighbours."""
    ordered = sorted(found)
    return Span(quantile(ordered, 0.5), quantile(ordered, 0.95)) if ordered else None


def quantile(ordered: Sequence[float], share: float) -> float:
    place = min(max(share * len(ordered) - 0.5, 0.0), len(ordered) - 1.0)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
