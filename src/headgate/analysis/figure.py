"""One metric as `why` and `watch` show it, from what the judge knows of it."""

from math import sqrt

from headgate.analysis import gauge, rate
from headgate.analysis.gauge import Gauge
from headgate.analysis.metric import Metric
from headgate.analysis.rate import Rate
from headgate.model.measurements import edge
from headgate.model.verdicts import Figure

SURE = 1.96  # standard errors: an interval of 95 %


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


def compared(name: str, seen: Gauge, allowed: float, harm: float, proof: float) -> Figure:
    """Of a gauge: how much more than the stable's."""
    more, low, high = gauge.excess(seen)
    readings = len(seen.differences)
    return Figure("", name, harm, proof, readings, low=low, high=high, allowed=allowed, slower=more)
