"""The judge: begins with what is known of the stable, takes one measurement at a time, and says what it proves.

`begin`, then `step` for every tick; `verdict` and `guard` whenever one likes: looking often costs nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from math import exp

from headgate.analysis import gauge, rate, share, words
from headgate.analysis.edges import ENOUGH, latency_metrics
from headgate.analysis.evidence import Evidence, Service
from headgate.analysis.figure import compared, figure
from headgate.analysis.gauge import Gauge
from headgate.analysis.metric import Metric
from headgate.analysis.outage import OUTAGE, error_metric
from headgate.analysis.policy import Policy
from headgate.analysis.rate import Rate, Stratum
from headgate.analysis.reading import fault
from headgate.analysis.share import Share
from headgate.model.measurements import Measurement, Sample, add
from headgate.model.verdicts import Figure, Outcome, Verdict

# Errors of the judge: sum over metrics of w E >= 1 / alpha puts back. E-values may be averaged however they depend on
# one another, so at most alpha of the good releases are ever put back. A stage ends when every metric by itself has
# proven that it is not worse than what the next weight allows (Policy.gates: share of users times excess is bounded);
# of the releases that are worse than the margin throughout, at most beta are promoted.

MOST = 50.0  # nats above the bar, beyond which nobody can tell the difference

UNKNOWN = Sample()


def begin(policy: Policy, stable: Mapping[str, Sample]) -> Evidence:
    """`stable` names every service, with what its stable did before the release (an empty sample if unknown)."""
    gauges = {name: Gauge() for name in policy.gauges}
    return Evidence({name: _begun(policy, seen) for name, seen in sorted(stable.items())}, gauges)


def step(
    policy: Policy,
    evidence: Evidence,
    measured: Measurement,
    weight: int,
    gauges: Mapping[str, tuple[float, float]] | None = None,
) -> Evidence:
    """`weight`: percent of the candidate during the tick. A tick that was seen before changes nothing.

    The candidate is never compared with stable and baseline together: where one takes over from the other, the stage
    begins anew, and the tick in which it did so belongs to neither.
    """
    if measured.tick <= evidence.last:
        return evidence
    if wrong := fault(evidence, measured):
        return replace(evidence, last=measured.tick, unread=wrong, unread_ticks=evidence.unread_ticks + 1)
    seconds = (measured.window.end - measured.window.start).total_seconds()
    services = evidence.services
    risen, replaced = weight != evidence.weight, measured.against != evidence.against
    if risen or replaced:
        services = {name: _stepped(policy, one) for name, one in services.items()}
    if risen or not replaced:
        services = {name: _fed(policy, one, measured, name, weight) for name, one in services.items()}
    return Evidence(
        services,
        {name: _gauged(one, (gauges or {}).get(name)) for name, one in evidence.gauges.items()},
        measured.tick,
        measured.window.end,
        weight,
        0.0 if risen or replaced else round(evidence.watched + seconds, 3),
        measured.against,
    )


def verdict(policy: Policy, evidence: Evidence | None, stage: int, now: datetime | None = None) -> Verdict:
    """`stage` counts the weights of the policy from 0. Harm is told even where nothing more can be read."""
    if evidence is None or evidence.last == 0:
        return Verdict(Outcome.NO_DATA, "nothing was measured yet")
    figures = _figures(policy, evidence, stage)
    harm = sum(one.harm for one in figures)
    if harm >= 1:
        return Verdict(Outcome.FAIL, words.harmed(policy, figures), figures)
    if blind := _blind(policy, evidence, now):
        return Verdict(Outcome.NO_DATA, blind, figures)
    if evidence.weight != policy.weights[stage]:
        return Verdict(Outcome.NO_DATA, f"nothing was measured at {policy.weights[stage]} % yet", figures)
    for doubt in (_untold, _unproven):
        outcome, why = doubt(policy, evidence, figures)
        if outcome is not Outcome.PASS:
            return Verdict(outcome, why, figures)
    return Verdict(Outcome.PASS, words.proven(policy, figures), figures)


def guard(policy: Policy, evidence: Evidence | None, now: datetime | None = None) -> Verdict:
    """At full weight nothing is left to prove; but harm is still told, and blindness."""
    if evidence is None or evidence.last == 0:
        return Verdict(Outcome.NO_DATA, "nothing was measured yet")
    figures = _figures(policy, evidence, len(policy.gates()) - 1)
    if sum(one.harm for one in figures) >= 1:
        return Verdict(Outcome.FAIL, words.harmed_alone(policy, figures), figures)
    if blind := _blind(policy, evidence, now):
        return Verdict(Outcome.NO_DATA, blind, figures)
    if not any(one.answers for one in figures):
        return Verdict(Outcome.INCONCLUSIVE, "no requests to judge by", figures)
    return Verdict(Outcome.PASS, words.nothing_worse(policy, figures), figures)


def _begun(policy: Policy, stable: Sample) -> Service:
    errors = (stable.errors, stable.requests) if stable.requests else (0.5, 100)
    metrics = tuple(one for one in (error_metric(policy), OUTAGE) if policy.judges(one.name))
    rates = tuple(rate.begin(one, policy, errors[0] / errors[1], errors[1]) for one in metrics)
    return _with_latency(policy, Service(metrics, rates, earlier=stable))


def _with_latency(policy: Policy, service: Service) -> Service:
    """Edges are chosen once, from the stable alone, as soon as it has answered often enough."""
    known = service.earlier
    if not (policy.judges("latency") or policy.judges("p99")):
        return replace(service, earlier=None)
    if known is None or sum(known.latency.values()) < ENOUGH:
        return service
    found = latency_metrics(known.latency, policy.widened(policy.latency), policy.widened(policy.p99))
    metrics = tuple(one for one in found if policy.judges(one.name))
    begun = tuple(_latency_begun(policy, one, known) for one in metrics)
    return replace(service, metrics=(*service.metrics, *metrics), rates=(*service.rates, *begun), earlier=None)


def _latency_begun(policy: Policy, metric: Metric, known: Sample) -> Rate:
    levels = metric.levels(known)
    share_of = sum(score * count for score, count in zip(metric.scores, levels, strict=True)) / sum(levels)
    return rate.begin(metric, policy, share_of, sum(levels))


def _stepped(policy: Policy, service: Service) -> Service:
    rates = [rate.steps(metric, policy, one) for metric, one in zip(service.metrics, service.rates, strict=True)]
    return replace(service, rates=tuple(rates), share=Share())


def _fed(policy: Policy, service: Service, measured: Measurement, name: str, weight: int) -> Service:
    candidate, other = measured.candidate.get(name, UNKNOWN), measured.reference.get(name, UNKNOWN)
    seconds = (measured.window.end - measured.window.start).total_seconds()
    rates = tuple(
        rate.watched(
            metric, policy, one, Stratum(metric.levels(candidate), metric.levels(other), seconds), weight / 100
        )
        for metric, one in zip(service.metrics, service.rates, strict=True)
    )
    seen = service.share
    if 0 < weight < 100:
        seen = share.shared(seen, share.expected(weight, measured.against), candidate.requests, other.requests)
    fed = replace(service, rates=rates, share=seen)
    if fed.earlier is None:
        return fed
    trusted = add(measured.stable, measured.baseline).get(name, UNKNOWN)  # what is slow, old and fresh copies may say
    return _with_latency(policy, replace(fed, earlier=fed.earlier + trusted))


def _gauged(kept: Gauge, values: tuple[float, float] | None) -> Gauge:
    return gauge.gauged(kept, *values) if values else kept


def _figures(policy: Policy, evidence: Evidence, stage: int) -> tuple[Figure, ...]:
    services = len(evidence.services)
    found = []
    for name, service in evidence.services.items():
        for metric, one in zip(service.metrics, service.rates, strict=True):
            nats = rate.harm_nats(metric, policy, one, services)
            harm = exp(min(nats - policy.bar(metric.name, services), MOST))
            proof = one.gates[stage].total - policy.proven if one.gates else 0.0
            found.append(figure(name, metric, one, harm, proof))
    for name, kept in evidence.gauges.items():
        limits = policy.gauges[name]
        harm = exp(min(gauge.nats(kept, limits.harm, worse=True) - policy.gauge_bar(), MOST))
        proof = gauge.nats(kept, limits.accept, worse=False) - policy.proven
        found.append(compared(name, kept, limits.harm - 1, harm, proof))
    return tuple(found)


def _blind(policy: Policy, evidence: Evidence, now: datetime | None) -> str:
    if evidence.unread or evidence.until is None:
        return evidence.unread
    silent = (now - evidence.until).total_seconds() if now else 0.0
    return f"no measurement for {silent:.0f} s" if silent > policy.silence else ""


def _untold(policy: Policy, evidence: Evidence, _: tuple[Figure, ...]) -> tuple[Outcome, str]:
    """Is there anything to compare? A service that nobody called is left out, unless nobody called any."""
    called = {n: one.share for n, one in evidence.services.items() if one.share.candidate or one.share.stable}
    if not called:
        return Outcome.NO_DATA, "no requests on either side"
    for name, seen in called.items():
        for side, requests in (("candidate", seen.candidate), (evidence.against, seen.stable)):
            if not requests:
                return Outcome.NO_DATA, f"{name}: the {side} got no requests"
        if share.doubtful(seen):
            return Outcome.INCONCLUSIVE, words.misrouted(name, seen, evidence.weight, evidence.against)
        if seen.candidate < policy.minimum_requests:
            return Outcome.INCONCLUSIVE, words.too_few(name, seen.candidate, policy.minimum_requests)
        if evidence.services[name].earlier is not None:
            return Outcome.INCONCLUSIVE, words.no_latencies(name, evidence.services[name].earlier, ENOUGH)
    return Outcome.PASS, ""


def _unproven(policy: Policy, evidence: Evidence, figures: tuple[Figure, ...]) -> tuple[Outcome, str]:
    missing = [one for one in figures if one.proof < 0 and _called(evidence, one)]
    if missing:
        return Outcome.INCONCLUSIVE, words.unproven(policy, missing)
    if evidence.watched < policy.dwell:
        return Outcome.INCONCLUSIVE, words.too_soon(evidence.watched, policy.dwell)
    return Outcome.PASS, ""


def _called(evidence: Evidence, one: Figure) -> bool:
    if not one.service:
        return True
    seen = evidence.services[one.service].share
    return bool(seen.candidate or seen.stable)
