"""Infrastructure as people and scripts are shown it: its plan, its outputs, its drift, and applies by themselves."""

from typing import Any

from headgate.engine.application import Application
from headgate.engine.infrastructure import Ground
from headgate.engine.refusals import Rejected
from headgate.model.commands import Provision
from headgate.model.ids import RolloutId, environment_id
from headgate.model.infrastructure import HARMFUL, InfrastructurePlan, Output, ResourceChange
from headgate.model.rollouts import EnvironmentState

View = dict[str, Any]
MASKED = "(sensitive)"
DRIFTED = {"destroy": "is gone", "replace": "is another", "create": "is new"}


def ground(application: Application, environment: str) -> Ground:
    """Raises Unknown, Rejected."""
    application.wheel(environment)
    specification = application.state.specification
    rules = specification.environment(environment) if specification else None
    if rules is None:
        raise Rejected(f"{environment} is not in the applied specification; `headgate apply` it first")
    if rules.infrastructure is None:
        raise Rejected(f"{environment} has no `terraform` in the applied file; add it and `headgate apply` it")
    return Ground(application.world, environment_id(application.name, environment), rules)


async def planned(application: Application, environment: str) -> View:
    """Raises AdapterError, and what `ground` raises."""
    return shown(await ground(application, environment).plan())


async def ordered(application: Application, environment: str, digest: str, by: str, why: str) -> Provision:
    """The command for exactly the plan that was shown. Raises Rejected for any other."""
    now = await ground(application, environment).plan()
    if now.digest != digest:
        look = f"look again: `headgate infra plan {environment}`"
        raise Rejected(f"the plan is another than the one that was shown; now: {now}; {look}")
    return Provision(now, by, why, RolloutId(application.new_id("rol")))


async def outputs(application: Application, environment: str) -> View:
    found = await ground(application, environment).outputs()
    told = [{"name": name, **_output(one)} for name, one in sorted(found.items())]
    return {"environment": environment, "outputs": told}


def _output(one: Output) -> View:
    return {"value": MASKED if one.sensitive else one.value, "sensitive": one.sensitive}


async def drift(application: Application, environment: str) -> View:
    found = await ground(application, environment).drift()
    changes = [{"address": one.address, "type": one.type, "told": _drifted(one)} for one in found]
    return {"environment": environment, "drift": changes, "drifted": bool(changes)}


def _drifted(one: ResourceChange) -> str:
    if one.action in DRIFTED:
        return f"{one.address} {DRIFTED[one.action]}"
    return f"{one.address} was changed: {', '.join(one.attributes) or 'in what it computes'}"


def shown(plan: InfrastructurePlan) -> View:
    return {
        "plan": plan.digest,
        "text": str(plan),
        "empty": plan.empty,
        "destroys": bool(plan.harmful),
        "changes": [
            {"address": one.address, "type": one.type, "action": one.action, "attributes": list(one.attributes),
             "why": one.why, "harmful": one.action in HARMFUL, "told": str(one)}
            for one in plan.changes
        ],
        "outputs": list(plan.outputs),
    }  # fmt: skip


def latest(state: EnvironmentState) -> View | None:
    """The apply that is under way, or was last."""
    run = state.provisioning
    if run is None:
        return None
    return {
        "plan": run.plan.digest,
        "text": str(run.plan),
        "state": run.state,
        "by": run.by,
        "why": run.why,
        "rollout": run.rollout,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
    }
