"""A bettor with several opinions: what the bets have won so far, and what remains of it without the best moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

# Theory
# ------
# Opinion 0 does not bet; the others bet on one alternative each. In each stratum the purse is split by `shares`, which
# depend on the past alone, so the purse is multiplied by sum(share * e): again an e-value. Afterwards each opinion has
# what it won, and a part `hazard` of all is dealt out anew ("fixed share", Herbster and Warmuth 1998). So a regression
# that begins late costs log(1 / hazard) once, and trouble that both arms share costs the betting opinions their purse
# but not the resting one.
#
# Blips. Say a candidate may have one bad moment of `blip` seconds. For each possible moment, the product over the other
# strata is an e-process; the least of them all is therefore at most the right one, and holds its level whatever
# happened in that moment. In logarithms: total - best, where best is the largest sum of gains over `blip` seconds.
# A part `allowed` of the best moment is counted after all; a blip alone can thus never bring more than that.

DIGITS = 3  # decimals kept of nats; shares keep two more. They depend on the past alone: rounding harms no level.


@dataclass(frozen=True, slots=True)
class Purse:
    shares: tuple[float, ...]
    total: float = 0.0  # nats


@dataclass(frozen=True, slots=True)
class Moments:
    """Gains of the last strata, and the best sum over a blip so far (nats, seconds)."""

    best: float = 0.0
    gains: tuple[float, ...] = ()
    lengths: tuple[float, ...] = ()


def played(purse: Purse, evidence: Sequence[float], hazard: float, prior: Sequence[float]) -> tuple[Purse, float]:
    """After one stratum: `evidence` holds log e of each betting opinion. Also returns the gain in nats."""
    logs = (0.0, *evidence)
    top = max(logs)
    won = [share * exp(one - top) for share, one in zip(purse.shares, logs, strict=True)]
    pot = sum(won)
    gain = log(pot / sum(purse.shares)) + top
    shares = tuple(
        round((1 - hazard) * one / pot + hazard * fresh, DIGITS + 2) for one, fresh in zip(won, prior, strict=True)
    )
    return Purse(shares, round(purse.total + gain, DIGITS)), gain


def remembered(moments: Moments, gain: float, seconds: float, blip: float) -> Moments:
    """A blip of that length can touch strata whose inner ones (all but first and last) last less than it."""
    gains = (*moments.gains, round(gain, 2) + 0.0)
    lengths = (*moments.lengths, int(seconds) if seconds == int(seconds) else round(seconds, 1))
    best, summed, covered, reach = moments.best, 0.0, 0.0, len(gains)
    for back in range(len(gains) - 1, -1, -1):
        if covered >= blip:
            break
        summed += gains[back]
        best = max(best, summed)
        reach = back
        if back < len(gains) - 1:
            covered += lengths[back]
    return Moments(round(best, DIGITS), gains[reach:], lengths[reach:])


def steadfast(purse: Purse, moments: Moments, allowed: float) -> float:
    """Nats that remain without the best moment, of which `allowed` nats count."""
    return purse.total - max(moments.best - allowed, 0.0)
