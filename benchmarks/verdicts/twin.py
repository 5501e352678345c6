"""The judge of `headgate.analysis`, vectorised over releases: the same formulas on arrays, one entry each.

`tests/analysis/test_twin.py` holds it equal to the judge itself. It exists so that millions of ticks can be tried.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.analysis import dispersion, rate
from headgate.analysis.evalue import NEAR, NEAR_GRADED, STEEPEST, Margin
from headgate.analysis.metric import Metric
from headgate.analysis.policy import Policy
from headgate.analysis.rate import allowance

Floats = NDArray[np.float64]
KEPT = np.array([1.0] * 4 + [dispersion._kept(1 - 2 / pairs) for pairs in range(4, 4000)])  # noqa: SLF001


def allowed(margin: Margin, share: Floats) -> tuple[Floats, Floats]:
    """Ratio and points for every release."""
    return np.full_like(share, margin.ratio), np.full_like(share, margin.points)


def within(margin: tuple[Floats, Floats], share: Floats) -> tuple[Floats, Floats]:
    """`Margin.within`."""
    ratio, points = np.minimum(margin[0], STEEPEST), margin[1]
    most = (1 + share) / 2
    fewer = np.minimum(points, (most - share) / 2)
    kept = ratio * share + points <= most
    return np.where(kept, ratio, (most - fewer) / share), np.where(kept, points, fewer)


def bets(
    stable: Floats, alternatives: Floats, margin: tuple[Floats, Floats], parts: Floats, spread: float, sign: int
) -> tuple[Floats, ...]:
    """`evalue.harm_bet` (sign 1) or `accept_bet` (-1) for each release and alternative: columns are alternatives."""
    r, d = margin[0][:, None], margin[1][:, None]
    stable, parts = stable[:, None], parts[:, None]
    distance = alternatives - (r * stable + d)
    q = np.broadcast_to(stable, distance.shape)
    for _ in range(2):
        bound = np.minimum(r * q + d, NEAR)
        own, other = bound * (1 - bound), q * (1 - q)
        q = np.clip(stable + r * distance * parts * other / (own + r * r * parts * other), 1e-9, 0.97)
    bound = r * q + d
    none = bound >= NEAR
    bound = np.minimum(bound, NEAR)
    if spread < 1:
        mine, theirs = _square(alternatives, bound, spread), _square(stable, q, spread)
        stake, most = distance / (mine + r * r * parts * theirs), NEAR_GRADED
    else:
        stake, most = (alternatives - bound) / (bound * (1 - bound)), NEAR
    stake = np.where(none | (stake * sign <= 0) | (distance * sign <= 0), 0.0, stake)
    hedge = -r * parts * stake
    worst = np.maximum.reduce([-stake * (1 - bound), stake * bound, -hedge * (1 - q), hedge * q])
    scale = np.where(worst > most, most / np.maximum(worst, 1e-300), 1.0)
    return q, bound, stake * scale, hedge * scale


def _square(share: Floats, place: Floats, spread: float) -> Floats:
    return spread * np.maximum(place * (1 - place), share * (1 - share)) + (share - place) ** 2


def log_e(made: tuple[Floats, ...], scores: tuple[float, ...], candidate: Floats, stable: Floats) -> Floats:
    reference, bound, stake, hedge = made
    total = np.zeros_like(stake)
    for level, score in enumerate(scores):
        total += candidate[level][:, None] * np.log1p(stake * (score - bound))
        total += stable[level][:, None] * np.log1p(hedge * (score - reference))
    return total


def played(shares: Floats, evidence: Floats, hazard: Floats, prior: Floats) -> tuple[Floats, Floats]:
    logs = np.concatenate([np.zeros((len(evidence), 1)), evidence], axis=1)
    top = logs.max(axis=1, keepdims=True)
    won = shares * np.exp(logs - top)
    pot = won.sum(axis=1, keepdims=True)
    gain = np.log(pot / shares.sum(axis=1, keepdims=True)) + top
    return (1 - hazard[:, None]) * won / pot + hazard[:, None] * prior, gain[:, 0]


class Scatter:
    """`dispersion.Dispersion` of every release."""

    def __init__(self, releases: int) -> None:
        self.total, self.pairs = np.zeros((2, releases)), np.zeros((2, releases))
        self.last = np.zeros((2, 2, releases))  # arm; bad, of
        self.arms, self.before = np.zeros((2, 2, releases)), np.zeros((2, 2, releases))
        self.seconds, self.wobble, self.spans = np.zeros(releases), np.zeros(releases), np.zeros(releases, dtype=int)
        self.largest, self.between = np.zeros((2, releases)), np.ones(releases)

    def believed(self) -> Floats:
        weight, prior = dispersion.GROUPS_PRIOR
        return (weight * prior + self.total.sum(axis=0)) / (weight + self.pairs.sum(axis=0))

    def factor(self) -> Floats:
        weight = dispersion.OWN_PRIOR + self.pairs[0]
        own = (dispersion.OWN_PRIOR + self.total[0]) / weight * (1 - np.sqrt(2 / weight))
        return np.maximum.reduce([np.ones_like(own), self.believed(), own, self.between])

    def pair(self, arm: int, now: Floats, on: NDArray[np.bool_], seconds: Floats, limits: tuple[Floats, float]) -> None:
        """`limits`: what a pair may count at most, and the spread."""
        ceiling, spread = limits
        (bad, of), (other_bad, other_of) = now, self.last[arm]
        on = on & (of > 0)
        together, everything = bad + other_bad, np.maximum(of + other_of, 1)
        part = of / everything
        variance = spread * together * part * (1 - part) * (1 - together / everything)
        variance = variance * everything / np.maximum(everything - 1, 1)
        tells = on & (other_of > 0) & (variance >= 1e-9)
        most = np.where(together * seconds**2 > dispersion.DRIFT, 1.0, ceiling)
        found = np.minimum((bad - together * part) ** 2 / np.where(tells, variance, 1.0), most)
        self.total[arm] += np.where(tells, found, 0.0)
        self.pairs[arm] += tells
        self.last[arm] = np.where(on, now, self.last[arm])

    def span(self, now: Floats, seconds: Floats, on: NDArray[np.bool_], spread: float) -> None:
        self.arms += np.where(on, now, 0.0)
        self.seconds += np.where(on, seconds, 0.0)
        full = on & (self.seconds >= dispersion.SPAN) & (self.arms[:, 1] > 0).all(axis=0)
        if not full.any():
            return
        found, known = self._difference(spread)
        counts = full & known
        self.wobble += np.where(counts, found, 0.0)
        self.spans += counts
        low, high = np.minimum(found, self.largest[0]), np.maximum(found, self.largest[0])
        self.largest = np.where(counts, np.stack([high, np.maximum(low, self.largest[1])]), self.largest)
        rest, pairs = self.wobble - self.largest.sum(axis=0), self.spans
        trimmed = (dispersion.WOBBLE_PRIOR + rest / KEPT[pairs]) / (dispersion.WOBBLE_PRIOR + pairs - 2)
        self.between = np.where(counts & (pairs >= 4), trimmed, self.between)
        self.before = np.where(full, self.arms, self.before)
        self.arms = np.where(full, 0.0, self.arms)
        self.seconds = np.where(full, 0.0, self.seconds)

    def _difference(self, spread: float) -> tuple[Floats, NDArray[np.bool_]]:
        known = (self.before[:, 1] > 0).all(axis=0)
        bad_0, of_0 = self.before[:, 0], np.maximum(self.before[:, 1], 1)
        bad_1, of_1 = self.arms[:, 0], np.maximum(self.arms[:, 1], 1)
        candidate, stable = (bad_0 + bad_1) / (of_0 + of_1)
        candidate = np.maximum(candidate, stable)
        inverse = 1 / of_0 + 1 / of_1
        variance = spread * (candidate * (1 - candidate) * inverse[0] + stable * (1 - stable) * inverse[1])
        change = (bad_0 / of_0 - bad_1 / of_1) * np.array([[1.0], [-1.0]])
        known &= variance > 0
        return change.sum(axis=0) ** 2 / np.where(known, variance, 1.0), known


@dataclass
class Opinions:
    shares: Floats
    total: Floats


class TwinRate:
    """`rate.Rate` of every release."""

    def __init__(self, metric: Metric, policy: Policy, releases: int, share: float, answers: float) -> None:
        known = min(answers, 2000.0)
        self.metric, self.policy, self.releases = metric, policy, releases
        self.bad, self.of = np.full(releases, share * known), np.full(releases, known)
        levels = len(metric.scores)
        self.pending = np.zeros((2, levels, releases))
        self.seconds = np.zeros(releases)
        self.harm = Opinions(np.tile(rate.harm_start(metric), (releases, 1)), np.zeros(releases))
        self.gates = [
            Opinions(np.tile(rate.ACCEPT_START, (releases, 1)), np.zeros(releases))
            for _ in (policy.gates() if metric.accept else ())
        ]
        self.best = np.zeros(releases)
        self.gains = np.zeros((0, releases))
        self.lengths = np.zeros((0, releases))
        self.scatter = Scatter(releases)
        self.stepped = np.zeros(releases, dtype=bool)

    @property
    def outage(self) -> bool:
        return self.metric.name == "outage"

    def step(self, changed: NDArray[np.bool_]) -> None:
        both = changed & (self.pending.sum(axis=1) > 0).all(axis=0)
        self._judge(both)
        self.pending[:, :, changed] = 0
        self.seconds[changed] = 0
        self.stepped |= changed

    def watch(self, candidate: Floats, stable: Floats, seconds: float, alone: bool) -> None:
        """`candidate` and `stable` have a row for each level."""
        self.pending += np.stack([candidate, stable])
        self.seconds += seconds
        mine, theirs = self.pending.sum(axis=1)
        learn = (theirs >= rate.least(self.metric)) & (alone | ((self.seconds > rate.PATIENCE) & (mine == 0)))
        judge = (np.minimum(mine, theirs) >= rate.least(self.metric)) & ~learn & (not alone)
        self._learn(learn)
        self._judge(judge)

    def nats(self) -> Floats:
        if self.outage:
            return self.harm.total
        return self.harm.total - np.maximum(self.best - allowance(self.policy, self.metric, 1), 0.0)

    def proof(self, stage: NDArray[np.int64]) -> Floats:
        return np.stack([gate.total for gate in self.gates])[stage, np.arange(self.releases)]

    def factor(self) -> Floats:
        return np.full(self.releases, rate.OUTAGE_FACTOR) if self.outage else self.scatter.factor()

    def _sums(self) -> Floats:
        """Arm; bad, of."""
        bad = np.tensordot(np.array(self.metric.scores), self.pending, axes=(0, 1))
        return np.stack([bad, self.pending.sum(axis=1)], axis=1)

    def _learn(self, on: NDArray[np.bool_]) -> None:
        if on.any():
            sums = self._sums()
            limits = dispersion.CEILING * self.scatter.believed(), self.metric.spread
            self.scatter.pair(1, sums[1], on, self.seconds, limits)
            self._settle(on, sums[1])

    def _judge(self, on: NDArray[np.bool_]) -> None:
        if not on.any():
            return
        sums, spread = self._sums(), self.metric.spread
        share = np.clip(self.bad / self.of, 1e-5, 0.9)[on]
        parts = sums[0, 1, on] / sums[1, 1, on]
        by = self.factor()[on]
        self._harm(on, share, parts, by)
        self._accept(on, share, parts, by)
        self.stepped &= ~on
        ceiling = dispersion.CEILING * self.scatter.believed()
        for arm in range(2):
            self.scatter.pair(arm, sums[arm], on, self.seconds, (ceiling, spread))
        self.scatter.span(sums, self.seconds, on, spread)
        self._settle(on, sums[1])

    def _harm(self, on: NDArray[np.bool_], share: Floats, parts: Floats, by: Floats) -> None:
        metric, seconds = self.metric, self.seconds[on]
        bound = (metric.harm.ratio * share + metric.harm.points)[:, None]
        if self.outage:
            worse = np.minimum(np.maximum(np.array(rate.FAILING), bound + 0.02), 0.995)
        else:
            times = rate.SLOWER if metric.graded else rate.WORSE
            worse = np.minimum(bound * np.array(times), np.maximum(0.95, (1 + bound) / 2))
        nats = self._nats(on, bets(share, worse, allowed(metric.harm, share), parts, metric.spread, 1), by)
        if self.outage:
            nats = np.minimum(nats, rate.OUTAGE_GAIN * np.maximum(seconds, 1.0)[:, None])
        hazard = np.where(self.stepped[on], rate.HAZARD_OF_A_STEP, 1 - np.exp(-rate.HAZARD * seconds))
        shares, gain = played(self.harm.shares[on], nats, hazard, np.array(rate.HARM_AFRESH))
        self.harm.shares[on] = shares
        self.harm.total[on] += gain
        if not self.outage:
            self._remember(on, gain, seconds)

    def _remember(self, on: NDArray[np.bool_], gain: Floats, seconds: Floats) -> None:
        """The newest stratum is in the last row; unused rows hold an endless length, so that no sum reaches them."""
        if len(self.gains) == 0 or (self.lengths[0, on] < np.inf).any():
            self.gains = np.concatenate([np.zeros((1, self.releases)), self.gains])
            self.lengths = np.concatenate([np.full((1, self.releases), np.inf), self.lengths])
        self.gains[:, on] = np.concatenate([self.gains[1:, on], gain[None]])
        self.lengths[:, on] = np.concatenate([self.lengths[1:, on], seconds[None]])
        gains, lengths = self.gains[::-1, on], self.lengths[::-1, on]
        used = np.isfinite(lengths)
        known = np.where(used, lengths, 0.0)
        inner = np.cumsum(known, axis=0) - known - known[0]
        sums = np.where((inner < self.policy.blip) & used, np.cumsum(gains, axis=0), -np.inf)
        self.best[on] = np.maximum(self.best[on], sums.max(axis=0))
        keep = int(self.policy.blip) + 3
        self.gains, self.lengths = self.gains[-keep:], self.lengths[-keep:]

    def _accept(self, on: NDArray[np.bool_], share: Floats, parts: Floats, by: Floats) -> None:
        metric = self.metric
        hazard = 1 - np.exp(-rate.HAZARD * self.seconds[on])
        for gate, weight in zip(self.gates, self.policy.gates(), strict=metric.accept is not None):
            margin = metric.accept.scaled(weight) if metric.accept else Margin()
            ratio, points = within(allowed(margin, share), share)
            most = 0.95 * (ratio * share + points)
            equal = np.minimum(share[:, None] * np.array(rate.EQUAL), most[:, None])
            nats = self._nats(on, bets(share, equal, (ratio, points), parts, metric.spread, -1), by)
            shares, gain = played(gate.shares[on], nats, hazard, np.array(rate.ACCEPT_START))
            gate.shares[on] = shares
            gate.total[on] += gain

    def _nats(self, on: NDArray[np.bool_], made: tuple[Floats, ...], by: Floats) -> Floats:
        pending = self.pending[:, :, on]
        return log_e(made, self.metric.scores, pending[0], pending[1]) / by[:, None]

    def _settle(self, on: NDArray[np.bool_], stable: Floats) -> None:
        kept = np.exp(-self.seconds / rate.MEMORY)
        self.bad = np.where(on, self.bad * kept + stable[0], self.bad)
        self.of = np.where(on, self.of * kept + stable[1], self.of)
        self.pending[:, :, on] = 0
        self.seconds[on] = 0
