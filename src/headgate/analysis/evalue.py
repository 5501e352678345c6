"""E-values for two proportions, or for two means of scores between 0 and 1, with a relative and an absolute margin.

An e-value is evidence as a fair bet would pay it: its expectation is at most 1 while the null holds, so 100 : 1 happens
to at most one good release in a hundred, however often one looks (Ville 1939).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p

# Theory
# ------
# A stratum is one moment: answers of the candidate (mean score p_c) and of the stable (p_s). Only the same moment is
# ever compared, so drift, bursts that hit both and a ramp of weights cannot fool it. The null is linear:
#
#     harm    p_c <= r p_s + d     rejected: the candidate is worse than the margin
#     accept  p_c >= r p_s + d     rejected: it is not worse than the margin
#
# For any q_s, q_c = r q_s + d, any u, and v = -r (n_c / n_s) u, all chosen before the scores of the stratum are seen,
#
#     e = prod over candidate answers (1 + u (f - q_c))  *  prod over stable answers (1 + v (f - q_s))
#
# Independent answers give log E[e] = n_c log(1 + u (p_c - q_c)) + n_s log(1 + v (p_s - q_s)) (unequal answers within an
# arm: at most that, by the inequality of the means). This is concave in (p_c, p_s) and 0 at (q_c, q_s) with gradient
# (n_c u, n_s v), hence at most n_c u (p_c - q_c) + n_s v (p_s - q_s) = n_c u (p_c - r p_s - d), which is at most 0 on
# the null: u > 0 for harm, u < 0 for accept. Nothing else is assumed of p_c and p_s.
# Scores 0 and 1 give the 2x2 e-variable of Turner, Ly and Grunwald, with margins; graded scores give a rank test.

STEEPEST = 4.0  # ratio beyond which no acceptance is asked for: the hedge on the stable's answers would be too large
NEAR_GRADED = 0.75
NEAR = 0.98  # a bet stakes at most this share of what it could lose


@dataclass(frozen=True, slots=True)
class Margin:
    """The candidate may have `ratio` times the stable's share, plus `points` (a share: 0.005 is half a point)."""

    ratio: float = 1.0
    points: float = 0.0

    def at(self, share: float) -> float:
        return self.ratio * share + self.points

    def scaled(self, weight: float) -> "Margin":
        """What is allowed at `weight` (0-1) if no more users than at full weight may be hurt."""
        return Margin(1 + (self.ratio - 1) / weight, self.points / weight)

    def within(self, share: float) -> "Margin":
        """The same or, where it would allow (nearly) everything, a stricter one: proving more proves it too."""
        most, ratio = (1 + share) / 2, min(self.ratio, STEEPEST)
        if ratio * share + self.points <= most:
            return Margin(ratio, self.points)
        points = min(self.points, (most - share) / 2)
        return Margin((most - points) / share, points)


@dataclass(frozen=True, slots=True)
class Bet:
    reference: float  # q_s
    bound: float  # q_c
    stake: float  # u
    hedge: float  # v


NONE = Bet(0.5, 0.5, 0.0, 0.0)


def harm_bet(stable: float, worse: float, margin: Margin, parts: float, spread: float = 1.0) -> Bet:
    """The bet that grows fastest (nearly) if the stable's share is `stable` and the candidate's is `worse`.

    `parts` is candidate requests over stable requests; `spread` is the variance of a score over share * (1 - share).
    """
    return _bet(stable, worse, margin, parts, spread) if worse > margin.at(stable) else NONE


def accept_bet(stable: float, equal: float, margin: Margin, parts: float, spread: float = 1.0) -> Bet:
    """The same against the other null, if the candidate's share is `equal`, which is less than the margin."""
    return _bet(stable, equal, margin, parts, spread) if equal < margin.at(stable) else NONE


def _bet(stable: float, alternative: float, margin: Margin, parts: float, spread: float) -> Bet:
    r, d = margin.ratio, margin.points
    distance = alternative - margin.at(stable)
    q = stable
    for _ in range(2):
        bound = min(r * q + d, NEAR)
        own, other = bound * (1 - bound), q * (1 - q)
        q = min(max(stable + r * distance * parts * other / (own + r * r * parts * other), 1e-9), 0.97)
    bound = r * q + d
    if bound >= NEAR:
        return NONE
    if spread < 1:
        mine, theirs = _square(alternative, bound, spread), _square(stable, q, spread)
        stake = distance / (mine + r * r * parts * theirs)
        return _affordable(q, bound, stake, -r * parts * stake, NEAR_GRADED)
    stake = (alternative - bound) / (bound * (1 - bound))
    if (stake > 0) is not (distance > 0):
        return NONE
    return _affordable(q, bound, stake, -r * parts * stake, NEAR)


def _square(share: float, reference: float, spread: float) -> float:
    """Mean of (score - reference)^2 of graded scores: the growth of a bet is a parabola with this curvature."""
    return spread * max(reference * (1 - reference), share * (1 - share)) + (share - reference) ** 2


def _affordable(reference: float, bound: float, stake: float, hedge: float, most: float) -> Bet:
    """Both scaled alike, so that no single answer can cost more than `most` of the purse."""
    worst = max(-stake * (1 - bound), stake * bound, -hedge * (1 - reference), hedge * reference)
    scale = min(1.0, most / worst) if worst > 0 else 1.0
    return Bet(reference, bound, stake * scale, hedge * scale)


def log_e(made: Bet, scores: Sequence[float], candidate: Sequence[int], stable: Sequence[int]) -> float:
    """Logarithm of the e-value. `candidate[i]` and `stable[i]` count the answers with score `scores[i]`."""
    if not made.stake:
        return 0.0
    total = 0.0
    for score, mine, theirs in zip(scores, candidate, stable, strict=True):
        if mine:
            total += mine * log1p(made.stake * (score - made.bound))
        if theirs:
            total += theirs * log1p(made.hedge * (score - made.reference))
    return total
