"""The judge at work on a rollout: what it has learnt from the measurements in the log, and what it says now."""

from datetime import datetime
from typing import cast

from headgate.analysis import conditions, judge, words
from headgate.analysis.conditions import Counts
from headgate.analysis.evidence import Evidence
from headgate.analysis.policy import Policy, policy
from headgate.decide.baseline import shared_services
from headgate.model.measurements import Measurement, Sample
from headgate.model.metrics import MetricRule
from headgate.model.releases import Revision
from headgate.model.rollouts import Rollout
from headgate.model.steps import Analyze, Bake, SetWeight
from headgate.model.verdicts import Figure, Verdict


def weight_at(rollout: Rollout) -> int:
    """The weight that the walked steps ask for, percent."""
    walked = rollout.steps[: rollout.position + 1]
    return next((step.weight for step in reversed(walked) if isinstance(step, SetWeight)), 0)


def metrics_at(rollout: Rollout) -> tuple[MetricRule, ...]:
    """Those that count at this step. While it bakes, the stable has no traffic left to compare with."""
    if not isinstance(rollout.step, Analyze | Bake) or not weight_at(rollout):
        return ()
    compares = isinstance(rollout.step, Analyze)
    return tuple(rule for rule in rollout.analysis.metrics if compares or rule.worse_by is None)


def counts_of(rollout: Rollout) -> Counts:
    return cast(Counts | None, rollout.counts) or Counts()


def learnt(rollout: Rollout, stable: Revision | None, taken: Measurement) -> Evidence | None:
    """Evidence with one measurement more; None where there is no stable to compare with."""
    if stable is None:
        return None
    rules = policy_of(rollout)
    shared = {name: Sample() for name in shared_services(rollout.revision, stable)}
    known = cast(Evidence | None, rollout.evidence) or judge.begin(rules, shared)
    return judge.step(rules, known, taken, weight_at(rollout), _gauges(rules, taken))


def counted(rollout: Rollout, taken: Measurement) -> Counts:
    """The file's own metrics, with one measurement more."""
    return conditions.counted(counts_of(rollout), metrics_at(rollout), taken, rollout.position)


def verdict_now(rollout: Rollout, now: datetime) -> Verdict:
    """What the comparison proves and what the file's own metrics say: either fails, both pass."""
    compared, rules = _compared(rollout, now), metrics_at(rollout)
    if not rules:
        return compared
    return conditions.joined(compared, conditions.verdict(rules, counts_of(rollout), rollout.position))


def _compared(rollout: Rollout, now: datetime) -> Verdict:
    """On an analyze step the proof is asked for; on any other, only whether harm is shown."""
    rules, evidence = policy_of(rollout), cast(Evidence | None, rollout.evidence)
    if isinstance(rollout.step, Analyze):
        return judge.verdict(rules, evidence, _stage(rollout), now)
    return judge.guard(rules, evidence, now)


def estimate(rollout: Rollout, figure: Figure) -> str:
    """errors 0.9 % against 0.5 % in 14,210 requests"""
    return words.estimate(policy_of(rollout), figure)


def policy_of(rollout: Rollout) -> Policy:
    return policy(rollout.analysis, rollout.strategy.weights, rollout.instances)


def _gauges(rules: Policy, taken: Measurement) -> dict[str, tuple[float, float]]:
    read = ((name, taken.values.get(name)) for name in rules.gauges)
    return {
        name: (value.candidate, value.stable)
        for name, value in read
        if value and value.candidate is not None and value.stable is not None
    }


def _stage(rollout: Rollout) -> int:
    """Which of the strategy's weights it is at."""
    weights = rollout.strategy.weights
    return weights.index(weight) if (weight := weight_at(rollout)) in weights else 0
