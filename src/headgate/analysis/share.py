"""Does the candidate get the share of traffic that it should? If not, nothing that is measured can be trusted."""

from dataclasses import dataclass
from math import exp, log

from headgate.model.measurements import Arm
from headgate.model.routes import baseline_weight

# A share between 0.8 and 1.25 times the weight is taken for true. Beyond, each of six bets grows against the nearer of
# the two; an answer adds at most CLIP nats, for sticky visitors come in groups. 1,000 : 1 makes a verdict inconclusive.

LOW, HIGH = 0.8, 1.25  # of the weight
SHARES = ((LOW, 0.7), (LOW, 0.4), (LOW, 0.1), (HIGH, 1.3), (HIGH, 1.8), (HIGH, 3.0))
CLIP = 2.0  # nats a tick
ENOUGH = log(1000)
MOST = 0.999


@dataclass(frozen=True, slots=True)
class Share:
    nats: tuple[float, ...] = (0.0,) * len(SHARES)
    candidate: int = 0  # requests since the weight changed
    stable: int = 0


UNSEEN = Share()


def shared(share: Share, weight: float, candidate: int, stable: int) -> Share:
    """`weight` is 0-1, exclusive: at 0 and 1 there is nothing to compare."""
    nats = []
    for before, (bound, times) in zip(share.nats, SHARES, strict=True):
        null = min(bound * weight, MOST)
        other = min(bound * weight * times, (1 + null) / 2)
        gain = candidate * log(other / null) + stable * log((1 - other) / (1 - null))
        nats.append(round(before + min(gain, CLIP), 4))
    return Share(tuple(nats), share.candidate + candidate, share.stable + stable)


def expected(weight: int, against: Arm) -> float:
    """The candidate's part of the answers that are compared, 0-1, when it has so many percent of all traffic."""
    other = 100 - weight if against == "stable" else baseline_weight(weight)
    return weight / (weight + other) if weight + other else 0.0


def doubtful(share: Share) -> bool:
    top = max(share.nats)
    return top + log(sum(exp(one - top) for one in share.nats) / len(share.nats)) >= ENOUGH
