"""How much more counts scatter than independent answers would: evidence is divided by it before it is bet on.

Errors come in clusters (a retrying client, a lost connection). Two estimates are kept and the larger one counts.
"""

from dataclasses import dataclass, replace
from math import erf, exp, pi, sqrt

# Theory
# ------
# If bad answers come in independent groups of c, e^(1/c) is an e-value exactly; for any factor of at least 1 that
# depends on the past alone, e^(1/factor) still is one for independent answers (Jensen). So a factor that is too large
# costs time, never the level.
#
# Groups: two neighbouring strata of one arm hold N bad answers in n + m. Given N, the first holds N n / (n + m) of them
# with the hypergeometric variance; the squared deviation over that variance averages 1 for independent answers, c for
# groups of c, however rare they are. A jump of the level shows in a single pair, and a pair counts at most CEILING
# times what is believed: a regression or a common burst is not taken for scatter. Nor is drift: its part of the squared
# deviation grows with N and with the square of the time between, and where it would show, a pair counts 1 at most.
#
# Wobble: the difference between the arms, compared from one span of SPAN seconds to the next, against its binomial
# variance. Bursts that hit both arms cancel, and the two largest are left out (with the loss that a chi-square
# variable would have), so that the beginning and the end of a regression do not count.

CEILING = 10.0
DRIFT = 30_000.0  # bad answers x seconds^2: some per cent of change in ten seconds stay within the noise below it
SPAN = 10.0  # seconds
GROUPS_PRIOR = (4.0, 3.0)  # as if so many pairs had been seen with this scatter
OWN_PRIOR = 10.0
WOBBLE_PRIOR = 20.0
DIGITS = 3

Counts = tuple[float, int]  # sum of scores, answers
NOTHING: tuple[Counts, Counts] = ((0.0, 0), (0.0, 0))


@dataclass(frozen=True, slots=True)
class Groups:
    """Scatter within one arm: sum and number of pairs, and the stratum before."""

    total: float = 0.0
    pairs: int = 0
    last: Counts = (0.0, 0)


@dataclass(frozen=True, slots=True)
class Wobble:
    """Scatter between the arms. `arms` is the span so far: candidate, then stable."""

    arms: tuple[Counts, Counts] = NOTHING
    last: tuple[Counts, Counts] = NOTHING
    seconds: float = 0.0
    total: float = 0.0
    pairs: int = 0
    largest: tuple[float, float] = (0.0, 0.0)
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Dispersion:
    candidate: Groups = Groups()
    stable: Groups = Groups()
    wobble: Wobble = Wobble()


def factor(seen: Dispersion) -> float:
    """What evidence is divided by; at least 1."""
    own = (OWN_PRIOR + seen.candidate.total) / (OWN_PRIOR + seen.candidate.pairs)
    own *= 1 - sqrt(2 / (OWN_PRIOR + seen.candidate.pairs))  # one standard error less: the other arm knows more
    return max(1.0, believed(seen), own, seen.wobble.factor)


def believed(seen: Dispersion) -> float:
    """Scatter within the arms, both together."""
    weight, prior = GROUPS_PRIOR
    return (weight * prior + seen.candidate.total + seen.stable.total) / (
        weight + seen.candidate.pairs + seen.stable.pairs
    )


def scattered(seen: Dispersion, candidate: Counts, stable: Counts, seconds: float, spread: float) -> Dispersion:
    """After one stratum. `spread` is the variance of a score over share * (1 - share)."""
    ceiling = CEILING * believed(seen)
    return Dispersion(
        paired(seen.candidate, candidate, seconds, ceiling, spread),
        paired(seen.stable, stable, seconds, ceiling, spread),
        _wobbled(seen.wobble, candidate, stable, seconds, spread),
    )


def alone(seen: Dispersion, stable: Counts, seconds: float, spread: float) -> Dispersion:
    """After a stratum in which only the stable answered."""
    return replace(seen, stable=paired(seen.stable, stable, seconds, CEILING * believed(seen), spread))


def paired(groups: Groups, now: Counts, seconds: float, ceiling: float, spread: float) -> Groups:
    (bad, of), (other_bad, other_of) = now, groups.last
    if not of:
        return groups
    together, everything = bad + other_bad, of + other_of
    part = of / everything
    variance = spread * together * part * (1 - part) * (1 - together / everything) * everything / max(everything - 1, 1)
    if not other_of or variance < 1e-9:
        return Groups(groups.total, groups.pairs, now)
    drifting = together * seconds**2 > DRIFT
    scatter = min((bad - together * part) ** 2 / variance, 1.0 if drifting else ceiling)
    return Groups(round(groups.total + scatter, DIGITS), groups.pairs + 1, now)


def _wobbled(wobble: Wobble, candidate: Counts, stable: Counts, seconds: float, spread: float) -> Wobble:
    arms = (_sum(wobble.arms[0], candidate), _sum(wobble.arms[1], stable))
    passed = wobble.seconds + seconds
    if passed < SPAN or not (arms[0][1] and arms[1][1]):
        return Wobble(arms, wobble.last, passed, wobble.total, wobble.pairs, wobble.largest, wobble.factor)
    scatter = _difference(wobble.last, arms, spread)
    if scatter is None:
        return Wobble(NOTHING, arms, 0.0, wobble.total, wobble.pairs, wobble.largest, wobble.factor)
    total, pairs = round(wobble.total + scatter, DIGITS), wobble.pairs + 1
    first, second = sorted((*wobble.largest, round(scatter, DIGITS)))[:0:-1]
    return Wobble(NOTHING, arms, 0.0, total, pairs, (first, second), _trimmed(total - first - second, pairs))


def _sum(one: Counts, other: Counts) -> Counts:
    return round(one[0] + other[0], DIGITS), one[1] + other[1]


def _difference(before: tuple[Counts, Counts], now: tuple[Counts, Counts], spread: float) -> float | None:
    """Squared change of the difference between the arms over its variance; None where nothing bad was seen."""
    (bad_0, of_0), (other_bad_0, other_of_0) = before
    (bad_1, of_1), (other_bad_1, other_of_1) = now
    if not of_0 or not other_of_0:
        return None
    stable = (other_bad_0 + other_bad_1) / (other_of_0 + other_of_1)
    candidate = max(stable, (bad_0 + bad_1) / (of_0 + of_1))
    variance = spread * (
        candidate * (1 - candidate) * (1 / of_0 + 1 / of_1) + stable * (1 - stable) * (1 / other_of_0 + 1 / other_of_1)
    )
    change = bad_0 / of_0 - other_bad_0 / other_of_0 - bad_1 / of_1 + other_bad_1 / other_of_1
    return change * change / variance if variance > 0 else None


def _trimmed(rest: float, pairs: int) -> float:
    """Mean of the differences without the two largest, as if they were chi-square with one degree, with a prior."""
    if pairs < 4:
        return 1.0
    return round((WOBBLE_PRIOR + rest / _kept(1 - 2 / pairs)) / (WOBBLE_PRIOR + pairs - 2), DIGITS)


def _kept(share: float) -> float:
    """Mean of the smallest `share` of a chi-square variable with one degree of freedom."""
    low, high = 0.0, 6.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if erf(middle / sqrt(2)) < share else (low, middle)
    return (erf(low / sqrt(2)) - low * sqrt(2 / pi) * exp(-low * low / 2)) / share
