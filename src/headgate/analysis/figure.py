"""One metric as `why` and `watch` show it: the estimate, its interval, the evidence and what is missing."""

from dataclasses import dataclass
from math import sqrt

from headgate.analysis import rate
from headgate.analysis.metric import Metric
from headgate.analysis.rate import Rate
from headgate.model.measurements import edge

SURE = 1.96  # standard errors: an interval of 95 %


@dataclass(frozen=True, slots=True)
class Figure:
    """`share` and `usual` are mean scores since the stage began: of the candidate, and of the stable then and there.

    `harm` is the evidence as a part of what puts a candidate back (all metrics together: 1). `proof` is in nats above
    what a promotion needs; below 0 it is still missing. `low` and `high` bound share - usual (95 %).
    """

    service: str  # empty: of all
    metric: str
    harm: float
    proof: float
    answers: int = 0  # of the candidate
    share: float = 0.0
    usual: float = 0.0
    low: float = 0.0
    high: float = 0.0
    allowed: float = 0.0  # largest share that is not harm
    limit: float = 0.0  # milliseconds; 0 where no single one
    slower: float = 0.0  # estimate for graded latency, relative
    factor: float = 1.0  # evidence was divided by it, for answers that come in clusters


def figure(service: str, metric: Metric, seen: Rate, harm: float, proof: float) -> Figure:
    tally, by = seen.tally, rate.factor(metric, seen)
    answers = tally.answers or 1
    share, usual = tally.bad / answers, tally.expected / answers
    wide = SURE * sqrt(by * tally.variance) / answers
    allowed = metric.harm.at(usual)
    return Figure(
        service,
        metric.name,
        harm,
        proof,
        tally.answers,
        share,
        usual,
        share - usual - wide,
        share - usual + wide,
        allowed,
        edge(metric.edges[0]) if len(metric.edges) == 1 else 0.0,
        (share - usual) / (allowed - usual) if len(metric.edges) > 1 and allowed > usual else 0.0,
        by,
    )
