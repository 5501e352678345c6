"""The judge of today: error rate and p99 of the candidate against the stable, by fixed thresholds.

Thresholds are wide because the judge looks at every tick: 3.3 standard errors fail (1 in 2,000 a look), 1.65 is doubt.
"""

from headgate.analysis.proportions import excess, slower_than
from headgate.model.measurements import Measurement, Outcome, Sample, Verdict
from headgate.model.rules import AnalysisRules

CERTAIN = 3.3  # standard errors
DOUBT = 1.65

# Slow answers come in bursts, for one stall holds up all that wait behind it. On a busy two-core machine the number of
# slow answers a second varied 2 to 26 times as much as independent ones would, mostly 9 times: so one in 8 counts.
BURST = 8

SEVERITY = (Outcome.FAIL, Outcome.NO_DATA, Outcome.INCONCLUSIVE, Outcome.PASS)


def judge(rules: AnalysisRules, measured: Measurement | None, reference: dict[str, Sample]) -> Verdict:
    """The worst verdict over the services; a service that nobody called is left out unless nobody called any.

    `reference` is what the stable did earlier in this rollout: it stands in where the stable has too little now.
    A service that the stable does not have is left out too: there is nothing to compare it with.
    """
    if measured is None:
        return Verdict(Outcome.NO_DATA, "nothing was measured yet")
    if measured.missing:
        return Verdict(Outcome.NO_DATA, "; ".join(measured.missing))
    verdicts = []
    for service in sorted(measured.candidate.keys() & (measured.stable.keys() | reference.keys())):
        candidate = measured.candidate[service]
        stable = measured.stable.get(service, Sample())
        if stable.requests < rules.minimum_requests:
            stable = reference.get(service, stable)
        if candidate.requests or stable.requests:
            verdicts.append(_judge_service(rules, service, candidate, stable))
    if not verdicts:
        return Verdict(Outcome.NO_DATA, "no requests on either side")
    return min(verdicts, key=lambda verdict: SEVERITY.index(verdict.outcome))


def _judge_service(rules: AnalysisRules, service: str, candidate: Sample, stable: Sample) -> Verdict:
    for name, sample in (("candidate", candidate), ("stable", stable)):
        if sample.requests == 0:
            return Verdict(Outcome.NO_DATA, f"{service}: the {name} got no requests")
        if sample.requests < rules.minimum_requests:
            numbers = (
                f"the {name} answered {sample.requests} of the {rules.minimum_requests} requests that a verdict needs"
            )
            return Verdict(Outcome.INCONCLUSIVE, f"{service}: {numbers}")
    by_errors = _judge_errors(rules, service, candidate, stable)
    by_latency = _judge_latency(rules, service, candidate, stable)
    worst = min(by_errors, by_latency, key=lambda verdict: SEVERITY.index(verdict.outcome))
    if worst.outcome is Outcome.PASS:
        return Verdict(Outcome.PASS, f"{by_errors.why}; {by_latency.why.removeprefix(f'{service}: ')}")
    return worst


def _judge_errors(rules: AnalysisRules, service: str, candidate: Sample, stable: Sample) -> Verdict:
    margin = rules.errors_worse_by
    distance = excess(candidate.errors, candidate.requests, stable.errors, stable.requests, margin)
    rate, usual = candidate.errors / candidate.requests, stable.errors / stable.requests
    numbers = (
        f"{service}: errors {rate:.2%} ({candidate.errors} of {candidate.requests}) against"
        f" {usual:.2%} ({stable.errors} of {stable.requests}), {margin * 100:g} points allowed"
    )
    if distance > CERTAIN:
        return Verdict(Outcome.FAIL, numbers)
    return Verdict(Outcome.INCONCLUSIVE if rate - usual > margin else Outcome.PASS, numbers)


def _judge_latency(rules: AnalysisRules, service: str, candidate: Sample, stable: Sample) -> Verdict:
    p99, usual = candidate.quantile(0.99), stable.quantile(0.99)
    if p99 is None or usual is None:
        return Verdict(Outcome.NO_DATA, f"{service}: no latencies were read")
    limit = usual * (1 + rules.p99_worse_by)
    numbers = f"{service}: p99 {p99:.0f} ms against {usual:.0f} ms, {limit:.0f} ms allowed"
    slow, slow_before = slower_than(candidate, limit) / BURST, slower_than(stable, limit) / BURST
    answers, answers_before = sum(candidate.latency.values()) / BURST, sum(stable.latency.values()) / BURST
    distance = excess(slow, answers, slow_before, answers_before)
    if p99 > limit and distance > CERTAIN:
        return Verdict(Outcome.FAIL, numbers)
    return Verdict(Outcome.INCONCLUSIVE if p99 > limit and distance > DOUBT else Outcome.PASS, numbers)
