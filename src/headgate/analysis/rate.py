"""One metric of one service through a release: evidence of harm, proof for each gate, and the counts they rest on."""

from dataclasses import dataclass, replace
from math import exp, sqrt
from operator import mul

from headgate.analysis import dispersion, wealth
from headgate.analysis.dispersion import Counts, Dispersion
from headgate.analysis.evalue import Bet, Margin, accept_bet, harm_bet, log_e
from headgate.analysis.metric import Metric
from headgate.analysis.policy import Policy
from headgate.analysis.wealth import Moments, Purse

# Three sets of bets run side by side. Harm: six opinions of how bad the candidate is, and one that rests. Acceptance: a
# set for each weight to come, since a small weight may be passed with a larger margin (Margin.scaled). Each bet is
# placed before its stratum is seen, on the stable's recent share and the scatter known until then.
#
# At full weight nobody is left to compare with at the same moment. The same purse then bets against a fixed bound: the
# stable's record in this rollout, with a margin (Metric.record) wide enough for the drift of a bake. Fair as long as no
# drift exceeds it; trouble that would have hit both versions cannot be told apart any more.

# Opinions about a candidate that is worse: its share of bad answers over the largest one allowed.
WORSE = (1.1, 1.3, 1.8, 3.5, 8.0, 25.0)
SLOWER = (1.03, 1.06, 1.12, 1.25, 1.5, 1.8)  # of graded latency: the mean grade of the stable is near a half
FAILING = (0.4, 0.6, 0.8, 0.9, 0.97, 0.995)  # of an outage: its share of failed answers
EQUAL = (0.8, 1.0, 1.25)  # about a good one: its share over the stable's
HARM_START = (0.04, 0.1, 0.1, 0.16, 0.2, 0.25, 0.15)
OUTAGE_START = (0.5, *(0.5 / 6,) * 6)
SLOWER_START = (0.1, *(0.9 / 6,) * 6)
HARM_AFRESH = (0.5, *(0.5 / 6,) * 6)
ACCEPT_START = (0.1, 0.225, 0.45, 0.225)

HAZARD = 0.0025  # a second: regressions are taken to begin at any time, on average after 400 s
HAZARD_OF_A_STEP = 0.1  # when the weight has changed: load shows defects
MEMORY = 20.0  # seconds over which the stable's share is averaged; only bets depend on it
PATIENCE = 60.0  # seconds without an answer of the candidate, before the stable's are used to learn its level only
LEAST = 20  # answers of each arm in a stratum: one bad answer among fewer would be too much evidence by itself
LEAST_OUTAGE = 5
OUTAGE_FACTOR = 10.0  # an outage is no cluster of up to ten failures
OUTAGE_GAIN = 5.0  # nats a second of stratum at most: no failure of a single second is an outage


@dataclass(frozen=True, slots=True)
class Stratum:
    """Answers at each score in the same stretch of time."""

    candidate: tuple[int, ...]
    stable: tuple[int, ...]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """Since the stage began. `expected`: what the stable would have scored then and there; `variance`: of the gap."""

    answers: int = 0
    bad: float = 0.0
    expected: float = 0.0
    variance: float = 0.0


CALM, NO_MOMENTS, NO_TALLY = Dispersion(), Moments(), Tally()


@dataclass(frozen=True, slots=True)
class Rate:
    bad: float  # recent sum of the stable's scores
    of: float  # recent answers of the stable
    pending: Stratum
    harm: Purse
    moments: Moments = NO_MOMENTS
    gates: tuple[Purse, ...] = ()
    dispersion: Dispersion = CALM
    tally: Tally = NO_TALLY
    stepped: bool = False  # the weight has changed since the last bet
    record: Counts = (0.0, 0)  # of the stable, since the rollout began


def begin(metric: Metric, policy: Policy, share: float, answers: float) -> Rate:
    """`share`: the stable's before the release, seen in so many answers."""
    known = min(answers, 2000.0)
    empty = (0,) * len(metric.scores)
    gates = tuple(Purse(ACCEPT_START) for _ in policy.gates()) if metric.accept else ()
    return Rate(share * known, known, Stratum(empty, empty), Purse(harm_start(metric)), gates=gates)


def harm_start(metric: Metric) -> tuple[float, ...]:
    """Shares of the opinions at the beginning. Resting costs a regression that is there from the start."""
    if metric.name == "outage":
        return OUTAGE_START
    return SLOWER_START if metric.graded else HARM_START


def steps(metric: Metric, policy: Policy, rate: Rate) -> Rate:
    """The weight is about to change: what is pending belongs to the old one."""
    if all(sum(arm) for arm in (rate.pending.candidate, rate.pending.stable)):
        rate = _judged(metric, policy, rate, 0.0)
    empty = (0,) * len(metric.scores)
    return replace(rate, pending=Stratum(empty, empty), tally=NO_TALLY, stepped=True)


def watched(metric: Metric, policy: Policy, rate: Rate, now: Stratum, weight: float) -> Rate:
    """One tick at this weight of the candidate (0-1). Thin ticks are summed: only the number of answers decides it."""
    waiting = rate.pending
    pending = Stratum(
        tuple(map(int.__add__, waiting.candidate, now.candidate)),
        tuple(map(int.__add__, waiting.stable, now.stable)),
        waiting.seconds + now.seconds,
    )
    rate = replace(rate, pending=pending)
    if weight >= 1 and sum(pending.stable) < least(metric):
        return _judged_on_record(metric, policy, rate) if sum(pending.candidate) >= least(metric) else rate
    if weight == 0 or (pending.seconds > PATIENCE and not sum(pending.candidate)):
        return _learned(metric, rate) if sum(pending.stable) >= least(metric) else rate
    return (
        _judged(metric, policy, rate, weight)
        if min(sum(pending.candidate), sum(pending.stable)) >= least(metric)
        else rate
    )


def least(metric: Metric) -> int:
    return LEAST_OUTAGE if metric.name == "outage" else LEAST


def alternatives(metric: Metric, bound: float) -> list[float]:
    """Shares that a candidate might have which is worse than `bound`, the largest one allowed."""
    if metric.name == "outage":
        return [min(max(one, bound + 0.02), 0.995) for one in FAILING]
    top = max(0.95, (1 + bound) / 2)
    return [min(bound * times, top) for times in (SLOWER if metric.graded else WORSE)]


def harm_nats(metric: Metric, policy: Policy, rate: Rate, services: int) -> float:
    """Evidence that the candidate is worse than allowed; for all but an outage, beyond any one blip."""
    if metric.name == "outage":
        return rate.harm.total
    return wealth.steadfast(rate.harm, rate.moments, allowance(policy, metric, services))


def allowance(policy: Policy, metric: Metric, services: int) -> float:
    return max(policy.bar(metric.name, services) - policy.reserve[metric.name], 0.0)


def factor(metric: Metric, rate: Rate) -> float:
    return OUTAGE_FACTOR if metric.name == "outage" else dispersion.factor(rate.dispersion)


def _learned(metric: Metric, rate: Rate) -> Rate:
    """The stable alone: nothing to compare, but its level and its scatter are learnt."""
    stable = _summed(metric, rate.pending.stable)
    return _settled(
        metric, rate, stable, dispersion.alone(rate.dispersion, stable, rate.pending.seconds, metric.spread)
    )


def _judged(metric: Metric, policy: Policy, rate: Rate, weight: float) -> Rate:
    stratum = rate.pending
    mine, theirs = _summed(metric, stratum.candidate), _summed(metric, stratum.stable)
    share = min(max(rate.bad / rate.of, 1e-5), 0.9)
    parts = mine[1] / theirs[1]
    by = factor(metric, rate)
    rate = _harmed(metric, policy, rate, metric.harm, share, parts, by)
    rate = replace(rate, gates=_accepted(metric, policy, rate, (share, parts, by), weight))
    rate = replace(rate, tally=_told(rate.tally, mine, theirs, metric.spread), stepped=False)
    scatter = dispersion.scattered(rate.dispersion, mine, theirs, stratum.seconds, metric.spread)
    return _settled(metric, rate, theirs, scatter)


def _judged_on_record(metric: Metric, policy: Policy, rate: Rate) -> Rate:
    bad, of = rate.record
    empty = (0,) * len(metric.scores)
    if of < least(metric):
        return replace(rate, pending=Stratum(empty, empty))
    alone, by, usual = replace(rate.pending, stable=empty), factor(metric, rate), bad / of
    error = sqrt(by * metric.spread * usual * (1 - usual) / of)
    share = min(max(usual + 2 * error, 1e-5), 0.9)
    rate = _harmed(metric, policy, replace(rate, pending=alone), metric.record, share, 0.0, by)
    own, answers = _summed(metric, alone.candidate)
    seen = rate.tally
    tally = Tally(
        seen.answers + answers,
        round(seen.bad + own, 3),
        round(seen.expected + answers * usual, 3),
        round(seen.variance + metric.spread * usual * (1 - usual) * answers, 3),
    )
    return replace(rate, pending=Stratum(empty, empty), tally=tally, stepped=False)


def _harmed(
    metric: Metric, policy: Policy, rate: Rate, margin: Margin, share: float, parts: float, by: float
) -> Rate:
    stratum, outage = rate.pending, metric.name == "outage"
    nats = [
        _nats(metric, stratum, harm_bet(share, worse, margin, parts, metric.spread), by)
        for worse in alternatives(metric, margin.at(share))
    ]
    if outage:
        nats = [min(one, OUTAGE_GAIN * max(stratum.seconds, 1.0)) for one in nats]
    hazard = HAZARD_OF_A_STEP if rate.stepped else 1 - exp(-HAZARD * stratum.seconds)
    purse, gain = wealth.played(rate.harm, nats, hazard, HARM_AFRESH)
    if outage:
        return replace(rate, harm=purse)
    return replace(rate, harm=purse, moments=wealth.remembered(rate.moments, gain, stratum.seconds, policy.blip))


def _accepted(
    metric: Metric, policy: Policy, rate: Rate, known: tuple[float, float, float], weight: float
) -> tuple[Purse, ...]:
    """The proof for each weight to come; one that is reached needs none."""
    if not metric.accept:
        return ()
    stratum, (share, parts, by) = rate.pending, known
    hazard = 1 - exp(-HAZARD * stratum.seconds)
    gates = []
    for purse, gate in zip(rate.gates, policy.gates(), strict=True):
        if gate > weight:
            nats = _proofs(metric, stratum, share, parts, metric.accept.scaled(gate), by)
            purse, _ = wealth.played(purse, nats, hazard, ACCEPT_START)  # noqa: PLW2901
        gates.append(purse)
    return tuple(gates)


def _proofs(metric: Metric, stratum: Stratum, share: float, parts: float, margin: Margin, by: float) -> list[float]:
    margin = margin.within(share)
    most = 0.95 * margin.at(share)
    return [
        _nats(metric, stratum, accept_bet(share, min(share * times, most), margin, parts, metric.spread), by)
        for times in EQUAL
    ]


def _nats(metric: Metric, stratum: Stratum, made: Bet, by: float) -> float:
    return log_e(made, metric.scores, stratum.candidate, stratum.stable) / by


def _summed(metric: Metric, levels: tuple[int, ...]) -> Counts:
    return round(sum(map(mul, metric.scores, levels)), 3), sum(levels)


def _told(tally: Tally, mine: Counts, theirs: Counts, spread: float) -> Tally:
    (bad, of), (other_bad, other_of) = mine, theirs
    usual = other_bad / other_of
    share = (bad + other_bad) / (of + other_of)
    return Tally(
        tally.answers + of,
        round(tally.bad + bad, 3),
        round(tally.expected + of * usual, 3),
        round(tally.variance + spread * share * (1 - share) * of * (1 + of / other_of), 3),
    )


def _settled(metric: Metric, rate: Rate, stable: Counts, scatter: Dispersion) -> Rate:
    kept = exp(-rate.pending.seconds / MEMORY)
    empty = (0,) * len(metric.scores)
    return replace(
        rate,
        bad=round(rate.bad * kept + stable[0], 3),
        of=round(rate.of * kept + stable[1], 3),
        record=(round(rate.record[0] + stable[0], 3), rate.record[1] + stable[1]),
        pending=Stratum(empty, empty),
        dispersion=scatter,
    )
