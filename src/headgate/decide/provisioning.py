"""Infrastructure: which plan a rollout applies before its candidate starts, and what becomes of it.

What is applied is the plan on record, which the approvals are for. A plan that destroys or replaces is applied only
where the file lets it, and never past closed gates. An apply that began is seen to its end.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from headgate.decide.people import may_break_glass
from headgate.decide.standstill import standstill
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import RevisionId
from headgate.model.infrastructure import (
    InfrastructurePlan,
    InfrastructurePlanned,
    ProvisioningEnded,
    ProvisioningEvent,
    ProvisioningSeen,
    ProvisioningStarted,
)
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, ProvisioningRun, Request, Rollout
from headgate.model.rules import Environment
from headgate.model.steps import Provision

ENGINE = "headgate"
GRACE = timedelta(minutes=12)  # beyond an apply's own limit: it plans anew first, and is given time to end in order
LONGEST = timedelta(days=1)  # a start waits for a plan that cannot be told
MOST = 3  # resources that a sentence names
ID_LENGTH = 12  # hexadecimal digits, as of any revision


def planned(request: Request, state: EnvironmentState) -> InfrastructurePlan | None:
    """What is on record for that start."""
    known = state.planned
    return known.plan if known and known.rollout == request.rollout else None


def steps(request: Request, state: EnvironmentState, rules: Environment) -> tuple[Provision, ...]:
    """None for a rollback: it goes back to code that ran on what there is."""
    plan, made_from = planned(request, state), rules.infrastructure
    if plan is None or plan.empty or made_from is None or request.kind == "rollback":
        return ()
    if plan.harmful and (made_from.destroy == "never" or request.break_glass):
        return ()  # only somebody who passes closed gates gets here: the release goes in, the plan does not
    return (Provision(plan, made_from.timeout + GRACE),)


def shut(request: Request, state: EnvironmentState, seen: Seen, rules: Environment, now: datetime) -> tuple[str, bool]:
    """Why nothing starts yet, and whether it waited too long. Empty: nothing is in its way."""
    if busy := running(state):
        return f"the infrastructure is being changed, as {busy.by} asked: {busy.plan}", False
    if rules.infrastructure is None:
        return "", False
    plan, late = planned(request, state), now - request.at > LONGEST
    if plan is None:
        told = seen.planned if seen.planned and seen.planned.rollout == request.rollout else None
        why = f"the infrastructure plan cannot be told: {told.why}" if told else "the infrastructure plan is being made"
        return f"{why}{f'; not within {LONGEST}' if late else ''}", late
    if plan.harmful and rules.infrastructure.destroy == "never":
        what = f"the plan would {named(plan)}, and `destroy: never` holds"
        return f"{what}; `destroy: approved` lets it, once it is approved", late
    return "", False


def named(plan: InfrastructurePlan) -> str:
    """What it would do away with."""
    told = ", ".join(f"{one.action} {one.address}" for one in plan.harmful[:MOST])
    return f"{told} and {len(plan.harmful) - MOST} more" if len(plan.harmful) > MOST else told


def is_of(found: ProvisioningSeen, run: ProvisioningRun) -> bool:
    """Not of the one before it, which may have had the same plan."""
    return (found.digest, found.rollout) == (run.plan.digest, run.rollout)


def running(state: EnvironmentState) -> ProvisioningRun | None:
    return state.provisioning if state.provisioning and state.provisioning.state == "running" else None


# --- what moves it


def note_plan(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """Another plan than the one on record makes approvals of that one void."""
    request, found = state.waiting, seen.planned
    if request is None or found is None or found.plan is None or found.rollout != request.rollout:
        return []
    known = planned(request, state)
    if known and known.digest == found.plan.digest:
        return []
    return [InfrastructurePlanned(request.rollout, found.plan)]


def begin_provisioning(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """The plan that the rollout has come to."""
    rollout = state.rollout
    if rollout is None or rollout.phase != "running" or not isinstance(rollout.step, Provision) or running(state):
        return []
    if state.provisioning and state.provisioning.rollout == rollout.id:
        return []
    why = f"{rollout.revision.label} comes with it"
    return [ProvisioningStarted(rollout.step.plan, ENGINE, why, rollout.id)]


def end_provisioning(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    run, found = running(state), seen.provisioning
    if run is None or found is None or not is_of(found, run) or found.state == "running":
        return []
    return [ProvisioningEnded(run.plan.digest, found.state, found.why)]


# --- what people ask


def asked_for(command: c.Provision, state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event] | c.Refused:
    """Outside of a rollout: where no gates hold, where nothing serves yet, or by whom the rules let pass them."""
    rules, name = seen.rules, state.id.partition("/")[2]
    if rules is None or rules.infrastructure is None:
        return c.Refused(f"{name} has no `terraform` in the applied file; add it and `headgate apply`")
    if state.rollout or running(state):
        return c.Refused("a rollout or an apply is under way here; `headgate why` shows it")
    if frozen := standstill(state, seen, now):
        return c.Refused(f"nothing is changed here now: {frozen[0]}")
    if command.plan.empty:
        return c.Refused("there is nothing to apply: the infrastructure is as its configuration says")
    if command.plan.harmful and rules.infrastructure.destroy == "never":
        what = f"the plan would {named(command.plan)}, and `destroy: never` holds"
        return c.Refused(f"{what}; write `destroy: approved` and `headgate apply` the file first")
    named_here = bool(command.why) and may_break_glass(command.by, rules) and not command.plan.harmful
    if rules.gates and state.stable and not named_here:
        return _asked_of_the_gates(command, state, state.stable)
    if command.plan.harmful:
        what = f"the plan would {named(command.plan)}, and a rollout alone does that, once it is approved"
        return c.Refused(f"{what}: `headgate deploy {name}`, or clear it away with terraform itself")
    return [ProvisioningStarted(command.plan, command.by, command.why or f"asked for by {command.by}")]


def _asked_of_the_gates(
    command: c.Provision, state: EnvironmentState, stable: Revision
) -> list[e.Event] | c.Refused:
    """A rollout of what is stable, in copies of its own, which are tried on the new ground like any candidate."""
    if state.waiting:
        label = state.waiting.revision.label
        return c.Refused(f"{label} waits here, and its rollout applies the plan; `headgate review` shows both")
    if command.rollout is None:
        return c.Refused("gates hold here, so a rollout applies it")
    digest = sha256(f"{command.rollout} of {stable.id}".encode()).hexdigest()
    again = replace(stable, id=RevisionId(f"rev_{digest[:ID_LENGTH]}"))
    why = command.why or f"the infrastructure is to change: {command.plan}"
    return [e.ReleaseRequested(again, command.rollout, "deploy", command.by, why)]


def stands_already(request: Request, state: EnvironmentState) -> str:
    """Why a request changes nothing here; empty: it does, if only what its revision stands on."""
    stable, plan = state.stable, planned(request, state)
    if stable is not None and request.revision.id == stable.id:
        return "it is stable here already"
    if stable is None or request.kind == "rollback" or not request.revision.is_as(stable):
        return ""
    return "it is stable here already, and on the infrastructure that is planned" if plan and plan.empty else ""


# --- what happened makes what is: see `fold`


def folded(event: ProvisioningEvent, state: EnvironmentState, at: datetime) -> EnvironmentState:
    match event:
        case InfrastructurePlanned():
            return replace(state, planned=event)
        case ProvisioningStarted():
            return replace(state, provisioning=ProvisioningRun(event.plan, event.by, event.why, event.rollout, at))
        case ProvisioningEnded():
            run = state.provisioning
            if run is None or run.plan.digest != event.digest:
                return state
            return replace(state, provisioning=replace(run, state=event.outcome, why=event.why, ended_at=at))


def waits_for(state: EnvironmentState) -> list[str]:
    """What is under way between rollouts, or went wrong last."""
    run = state.provisioning
    if run is None or run.rollout is not None or run.state == "passed":
        return []
    if run.state == "failed":
        return [f"the latest apply of infrastructure failed: {run.why}"]
    return [f"infrastructure is being applied, as {run.by} asked: {run.plan}"]


def outcome(rollout: Rollout, state: EnvironmentState) -> ProvisioningRun | None:
    """Of this rollout's own apply; None: it has not begun."""
    return state.provisioning if state.provisioning and state.provisioning.rollout == rollout.id else None
