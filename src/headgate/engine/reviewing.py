"""Exactly what would happen if the release that waits were let in: what an approver is shown, and binds to."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from headgate.decide.approving import valid_approvers
from headgate.decide.configuration import changes
from headgate.decide.exact_set import exact_set, rules_digest
from headgate.decide.foresight import foresee
from headgate.decide.gates import closed_gates
from headgate.decide.migrating import pending
from headgate.decide.provisioning import planned, steps
from headgate.decide.traffic import measured
from headgate.engine.application import Application
from headgate.engine.planning import ASSUMED, Stated, knowledge
from headgate.engine.provisioned_views import shown as told_plan
from headgate.engine.refusals import Rejected
from headgate.engine.review_words import told
from headgate.engine.wheel import Wheel
from headgate.model.approvals import Approval
from headgate.model.checks import CheckResult
from headgate.model.ids import environment_stream
from headgate.model.releases import Revision
from headgate.model.rollouts import Request
from headgate.model.rules import ApprovalGate, Environment
from headgate.model.steps import describe
from headgate.ports import AdapterError, Commit

View = dict[str, Any]


async def review(application: Application, name: str, now: datetime) -> View:
    """Raises Rejected where nothing waits."""
    wheel = application.wheel(name)
    waiting, rules = wheel.state.waiting, application.rules(wheel.environment)
    if waiting is None or rules is None:
        raise Rejected(f"nothing waits for an approval in {name}; `headgate status` shows how things stand")
    release, stable = waiting.revision, wheel.state.stable
    shown = {
        "application": application.name,
        "environment": name,
        "set": exact_set(waiting, wheel.state, rules),
        "release": release.release,
        "label": release.label,
        "commit": release.commit,
        "author": release.author,
        "revision": release.id,
        "replaces": {"revision": stable.id, "label": stable.label, "commit": stable.commit} if stable else None,
        "asked_by": waiting.by,
        "asked_at": waiting.at.isoformat(),
        "why": waiting.why,
        **await _commits(application, stable, release),
        "images": _images(stable, release),
        "configuration": changes(stable, release) if stable else ["all of it is new: nothing was stable here"],
        "migrations": [
            {"service": name, "level": one.level, "kind": one.kind, "command": one.command}
            for name, one in pending(release, wheel.state)
        ],
        "rules": rules_digest(rules),
        "checks": _checks(application, rules, release),
        "infrastructure": _infrastructure(waiting, wheel, rules),
        "exposure": await _exposure(wheel, rules),
        "gates": [_gate(gate, wheel, waiting, rules) for gate in rules.gates if isinstance(gate, ApprovalGate)],
        "approvals": [_approval(one, wheel, waiting, rules) for one in _given(wheel, waiting)],
        "waits_for": [closed.why for closed in closed_gates(rules, waiting, wheel.state, wheel.seen, now)],
    }
    return {**shown, "told": told(shown)}


async def _commits(application: Application, stable: Revision | None, candidate: Revision) -> View:
    """What comes, and what is taken back, where the candidate is no descendant of the stable."""
    specification = application.state.specification
    if stable is None or specification is None:
        return {"commits": [], "taken_back": [], "commits_unknown": "nothing was stable here" if not stable else ""}
    between, source = application.world.source.between, specification.source
    try:
        came = await between(source, stable.commit, candidate.commit)
        left = await between(source, candidate.commit, stable.commit)
    except AdapterError as error:
        return {"commits": [], "taken_back": [], "commits_unknown": str(error)}
    return {"commits": _shown(came), "taken_back": _shown(left), "commits_unknown": ""}


def _shown(commits: Sequence[Commit]) -> list[View]:
    return [{"commit": one.sha, "author": one.author, "subject": one.subject} for one in commits]


def _images(stable: Revision | None, candidate: Revision) -> list[View]:
    """Of every service, the old and the new one; None: it is run from its folder, or is not there."""
    old = {service.name: service for service in stable.services} if stable else {}
    new = {service.name: service for service in candidate.services}
    return [
        {
            "service": name,
            "old": old[name].image if name in old else None,
            "new": new[name].image if name in new else None,
            "comes": name not in old,
            "goes": name not in new,
        }
        for name in {**old, **new}
    ]


def _checks(application: Application, rules: Environment, candidate: Revision) -> list[View]:
    """What is known of the release in every environment before this one, and what people said of it there."""
    found: list[View] = []
    specification, name, seen = application.state.specification, rules.after, set[str]()
    while name and name in application.wheels and name not in seen:
        seen.add(name)
        state = application.wheels[name].state
        latest = {one.name: one for one in state.checks.get(candidate.release, ())}
        found += [{"environment": name, "check": one.name, "said": _outcome(one)} for one in latest.values()]
        since = state.promoted.get(candidate.release)
        said = f"stable there since {since:%Y-%m-%d %H:%M} UTC" if since else "never stable there"
        found.append({"environment": name, "check": "", "said": said})
        if verdict := state.signed_off.get(candidate.release):
            said = f"{verdict.verdict} by {verdict.by}{f': {verdict.note}' if verdict.note else ''}"
            found.append({"environment": name, "check": "sign-off", "said": said})
        before = specification.environment(name) if specification else None
        name = before.after if before else None
    return found


def _infrastructure(waiting: Request, wheel: Wheel, rules: Environment) -> View:
    """The plan on record, which approvals are for; `why`, where there is none."""
    if rules.infrastructure is None:
        return {"plan": None, "applied": False, "why": "Headgate makes none here"}
    found, told = planned(waiting, wheel.state), wheel.seen.planned
    if found is None:
        why = f"it cannot be told: {told.why}" if told and told.why else "the plan is being made; look again"
        return {"plan": None, "applied": False, "why": why}
    applied = bool(steps(waiting, wheel.state, rules))
    return {"plan": told_plan(found), "applied": applied, "why": "", "destroy": rules.infrastructure.destroy}


def _outcome(one: CheckResult) -> str:
    return f"{one.outcome}{f' at attempt {one.attempt}' if one.attempt > 1 else ''}: {one.sentence}"


async def _exposure(wheel: Wheel, rules: Environment) -> View:
    """What `headgate plan` says of these rules, with the traffic that was measured here last."""
    known = measured(await wheel.log.read(environment_stream(wheel.environment)))
    services = wheel.state.stable.services if wheel.state.stable else ()
    waiting = wheel.state.waiting
    named = [one.name for one in services or (waiting.revision.services if waiting else ())]
    figures = {name: asdict(one) for name, one in known.items()}
    traffic = {name: knowledge(Stated(), figures.get(name, {})) for name in named}
    if not traffic:
        return {"known": False, "steps": [], "regressions": []}
    seen = await asyncio.to_thread(foresee, rules, {name: one.traffic for name, one in traffic.items()})
    worst = [(what, one) for what, one in seen.worse.items() if what in ("errors +1 pp", "errors 100 %", "latency x 2")]
    return {
        "known": bool(known),
        "requests_per_second": traffic[seen.thinnest].traffic.rate,
        "assumed": not known and ASSUMED.rate is not None,
        "steps": [describe(step) for step in seen.steps],
        "regressions": [
            {"what": what, "caught": one.caught, "bad": one.bad.usual if one.bad else None, "weight": one.weight}
            for what, one in worst
        ],
    }


def _gate(gate: ApprovalGate, wheel: Wheel, waiting: Request, rules: Environment) -> View:
    return {
        "from": list(gate.approvers),
        "count": gate.count,
        "given": sorted(valid_approvers(gate, waiting, wheel.state, rules)),
        "author_may_approve": gate.author_may_approve,
        "authenticated": gate.authenticated,
        "evidence": gate.evidence,
        "until": (waiting.at + gate.deadline).isoformat(),
    }


def _given(wheel: Wheel, waiting: Request) -> list[Approval]:
    return [one for one in wheel.state.approvals if one.release == waiting.revision.release]


def _approval(one: Approval, wheel: Wheel, waiting: Request, rules: Environment) -> View:
    """`void`: it was for another set, which is not what would happen now."""
    void = one.set != exact_set(waiting, wheel.state, rules)
    return {"by": one.by, "at": one.at.isoformat(), "authenticated": one.proven, "why": one.why, "void": void}
