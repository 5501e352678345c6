"""The start of a rollout: what it is bound to from there on."""

from typing import Literal

from headgate.decide import compile as strategy
from headgate.decide import migrating, provisioning
from headgate.decide.baseline import baseline
from headgate.model import events as e
from headgate.model.monitors import MonitoringEnded
from headgate.model.rollouts import EnvironmentState, Request
from headgate.model.rules import Environment
from headgate.model.steps import Step


def monitoring_ends(
    state: EnvironmentState, outcome: Literal["rolled-back", "replaced"], why: str
) -> list[MonitoringEnded]:
    """A deployment only sets it aside: what is on trial is judged then, and after an abort it goes on."""
    known, stable = state.monitoring, state.stable
    return [MonitoringEnded(known.rollout, stable.release, outcome, why)] if known and stable else []


def start(state: EnvironmentState, rules: Environment, request: Request) -> e.RolloutStarted:
    back, first = request.kind == "rollback", state.stable is None
    before: tuple[Step, ...] = (*provisioning.steps(request, state, rules), *migrating.steps(request.revision, state))
    return e.RolloutStarted(
        rollout=request.rollout,
        kind=request.kind,
        revision=request.revision,
        replaces=state.stable.id if state.stable else None,
        steps=strategy.rollback_steps(rules, before) if back else strategy.steps(rules, first, before),
        strategy=rules.strategy,
        analysis=rules.analysis,
        deadlines=rules.deadlines,
        by=request.by,
        why=request.why or f"{request.kind} of {request.revision.label} asked for by {request.by}",
        baseline=None if back else baseline(request.rollout, rules.strategy, request.revision, state.stable),
    )
