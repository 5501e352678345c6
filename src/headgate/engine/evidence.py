"""The evidence of a rollout as people and scripts are shown it: each metric, and how far it is from a decision."""

from math import exp
from typing import Any

from headgate.decide.judging import estimate, policy_of
from headgate.model.rollouts import Rollout
from headgate.model.verdicts import Figure, Standing, Verdict, odds


def evidence(rollout: Rollout, verdict: Verdict) -> dict[str, Any]:
    """All metrics together put the candidate back at `puts_back`; each by itself has to reach `passes`."""
    policy = policy_of(rollout)
    puts_back, passes = 1 / policy.false_rollback_rate, 1 / policy.false_promotion_rate
    metrics = [_metric(rollout, one, puts_back, passes) for one in verdict.figures if one.answers]
    own = [_own(one) for one in verdict.standings]
    return {"puts_back": odds(puts_back), "passes": odds(passes), "metrics": metrics, "conditions": own}


def _own(standing: Standing) -> dict[str, Any]:
    """A metric of the file by its conditions; `value` is None where it could not be read."""
    return {
        "metric": standing.metric,
        "outcome": standing.outcome.value,
        "text": standing.why,
        "value": standing.value,
        "dry_run": standing.dry_run,
    }


def _metric(rollout: Rollout, figure: Figure, puts_back: float, passes: float) -> dict[str, Any]:
    """Shares 0-1: failed requests, requests slower than `limit_ms`, or mean ranks of latency; 95 % for the interval.

    Of a number of the file (`service` is empty) `difference` and `allowed` are relative to the stable's.
    `worse_odds` and `good_odds` are to one; the same for people in `worse` and `good`.
    """
    worse = figure.harm * puts_back
    good = None if figure.metric == "outage" else exp(min(figure.proof, 40.0)) * passes
    return {
        "service": figure.service,
        "metric": figure.metric,
        "text": estimate(rollout, figure),
        "requests": figure.answers,
        "candidate": figure.share,
        "stable": figure.usual,
        "difference": [figure.low, figure.high],
        "allowed": figure.allowed,
        "limit_ms": figure.limit or None,
        "worse": odds(worse),
        "worse_odds": worse,
        "good": "" if good is None else odds(good),
        "good_odds": good,
        "harmful": figure.harm >= 1,
        "proven": good is not None and figure.proof >= 0,
    }
