"""Evidence as a person reads it."""

from collections.abc import Sequence
from math import exp

from headgate.analysis.gauge import FEWEST
from headgate.analysis.policy import Policy
from headgate.analysis.share import Share, expected
from headgate.model.measurements import Arm, Sample
from headgate.model.verdicts import Figure, odds


def harmed(policy: Policy, figures: Sequence[Figure]) -> str:
    """Which metric weighs most, and how sure all of them together make the judge."""
    return _harmed(policy, figures, allowed(policy, _worst(figures)))


def harmed_alone(policy: Policy, figures: Sequence[Figure]) -> str:
    """At full weight, against the stable's record."""
    return _harmed(policy, figures, "the stable's record allows")


def _harmed(policy: Policy, figures: Sequence[Figure], allowed: str) -> str:
    together = odds(sum(one.harm for one in figures) / policy.false_rollback_rate)
    return f"{estimate(policy, _worst(figures))}; evidence {together} that it is worse than {allowed}"


def _worst(figures: Sequence[Figure]) -> Figure:
    return max(figures, key=lambda one: one.harm)


def proven(policy: Policy, figures: Sequence[Figure]) -> str:
    shown = [one for one in figures if one.answers and one.metric != "outage"]
    told = "; ".join(estimate(policy, one) for one in shown)
    return f"{told}; none worse than promotion allows, by at least {odds(1 / policy.false_promotion_rate)}"


def nothing_worse(policy: Policy, figures: Sequence[Figure]) -> str:
    """At full weight, against the stable's record."""
    shown = [one for one in figures if one.answers and one.metric != "outage"]
    return f"nothing much worse than the stable's record: {'; '.join(estimate(policy, one) for one in shown)}"


def unproven(policy: Policy, missing: Sequence[Figure]) -> str:
    told = "; ".join(
        f"{estimate(policy, one)}, {odds(exp(one.proof) / policy.false_promotion_rate)} so far"
        for one in sorted(missing, key=lambda one: one.proof)
    )
    return f"not proven yet ({odds(1 / policy.false_promotion_rate)} is needed): {told}"


def estimate(policy: Policy, one: Figure) -> str:
    name = f"{one.service}: " if one.service else ""
    requests = f"in {one.answers:,} requests"
    if not one.service:
        return _compared(one)
    if one.metric in ("errors", "outage"):
        what = "outage: errors" if one.metric == "outage" else "errors"
        return f"{name}{what} {percent(one.share)} against {percent(one.usual)} {requests}"
    if one.limit:
        return f"{name}slower than {one.limit:.0f} ms: {percent(one.share)} against {percent(one.usual)} {requests}"
    way = "higher" if one.slower >= 0 else "lower"
    return f"{name}latency about {abs(one.slower) * policy.widened(policy.latency).harm * 100:.0f} % {way} {requests}"


def _compared(one: Figure) -> str:
    if one.answers < FEWEST:
        return f"{one.metric} in {one.answers} of the {FEWEST} pairs of numbers above 0 that it takes"
    way = "higher" if one.slower >= 0 else "lower"
    return f"{one.metric} {abs(one.slower) * 100:.3g} % {way} in {one.answers} readings"


def allowed(policy: Policy, one: Figure) -> str:
    if not one.service:
        return f"the {(policy.gauges[one.metric].harm - 1) * 100:.2g} % allowed"
    if one.metric == "outage":
        return "25 points, which is an outage"
    if one.metric == "errors":
        return f"the {policy.errors.harm * 100:.2g} points allowed"
    slower = policy.latency if one.metric == "latency" else policy.p99
    return f"the {policy.widened(slower).harm * 100:.2g} % allowed"


def misrouted(service: str, seen: Share, weight: int, against: Arm = "stable") -> str:
    found, due = seen.candidate / (seen.candidate + seen.stable), expected(weight, against)
    requests = "the requests" if against == "stable" else "the requests to candidate and baseline"
    told = f"{percent(found)} of {requests} reach the candidate, not {due * 100:.0f} %"
    return f"{service}: {told}: counts cannot be trusted"


def too_few(service: str, requests: int, needed: int) -> str:
    return f"{service}: the candidate answered {requests} of the {needed} requests that a verdict needs"


def no_latencies(service: str, known: Sample | None, needed: int) -> str:
    seen = sum(known.latency.values()) if known else 0
    return f"{service}: {seen} of the {needed} latencies of the stable were seen that it takes to choose what is slow"


def too_soon(watched: float, dwell: float) -> str:
    return f"proven, but watched for {watched:.0f} of {dwell:.0f} s"


def percent(share: float) -> str:
    """Two digits that count: 0.052 %, 0.90 %, 12 %."""
    value = share * 100
    if value == 0:
        return "0 %"
    digits = 2 if value < 0.095 else 1 if value < 9.95 else 0
    return f"{value:.{digits}f} %"
