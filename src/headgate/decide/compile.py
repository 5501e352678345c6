"""A strategy is data: it compiles to steps."""

from datetime import timedelta

from headgate.model.checks import Check
from headgate.model.rules import Environment
from headgate.model.steps import Analyze, AwaitReady, Bake, Retire, RunCheck, SetWeight, Start, Step

SMOKE = Check("smoke", "smoke", timeout=timedelta(seconds=30))


def steps(rules: Environment, first: bool, before: tuple[Step, ...] = ()) -> tuple[Step, ...]:
    """Of a deployment, after its migrations; the first has nothing to compare with and nowhere to go back to."""
    shifting = () if first or rules.strategy.kind != "canary" else _canary(rules)
    baking = () if first or not rules.bake else (Bake(rules.bake, rules.bake + rules.analysis.deadline),)
    return (*before, *_prepare(rules), *shifting, *_switch(rules), *baking, Retire(rules.deadlines.retire))


def rollback_steps(rules: Environment, before: tuple[Step, ...] = ()) -> tuple[Step, ...]:
    """Back as fast as it goes: what was stable once is not tried again first."""
    deadlines = rules.deadlines
    return (
        *before,
        Start(deadlines.ready),
        AwaitReady(deadlines.ready),
        SetWeight(100, deadlines.weight),
        Retire(deadlines.retire),
    )


def _prepare(rules: Environment) -> tuple[Step, ...]:
    ready = rules.deadlines.ready
    checks = (_check(check, preview=True) for check in _checks(rules) if check.before)
    return (Start(ready), AwaitReady(ready), *checks)


def _canary(rules: Environment) -> tuple[Step, ...]:
    analyze = Analyze(rules.analysis.deadline)
    shares = (SetWeight(weight, rules.deadlines.weight) for weight in rules.strategy.weights)
    return tuple(step for share in shares for step in (share, analyze))


def _switch(rules: Environment) -> tuple[Step, ...]:
    checks = (_check(check, preview=False) for check in _checks(rules) if check.after)
    return (SetWeight(100, rules.deadlines.weight), *checks)


def _checks(rules: Environment) -> tuple[Check, ...]:
    """The smoke check first: where that fails, no other says more."""
    smoke = tuple(check for check in rules.checks if check.kind == "smoke") or (SMOKE,)
    return (*smoke, *(check for check in rules.checks if check.kind != "smoke"))


def _check(check: Check, preview: bool) -> RunCheck:
    # The platform enforces the check's own time limit; the rollout's deadline lies behind it, should the platform not.
    return RunCheck(check, preview, check.attempts * (check.timeout + timedelta(seconds=30)))
