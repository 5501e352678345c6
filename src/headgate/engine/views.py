"""What people and scripts are shown, ready for JSON: times ISO 8601 UTC, shares 0-1, durations in seconds."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from headgate.decide.explain import waits_for
from headgate.decide.judging import verdict_now, weight_at
from headgate.decide.traffic import measured
from headgate.engine import horizons
from headgate.engine.application import Application
from headgate.engine.check_views import checked
from headgate.engine.evidence import evidence
from headgate.engine.line import Line
from headgate.engine.monitor_views import monitored
from headgate.engine.wheel import Wheel
from headgate.model.events import Recorded
from headgate.model.freezes import Freeze
from headgate.model.glass import Glass
from headgate.model.ids import ReleaseId, environment_id
from headgate.model.measurements import Query, Sample, Window
from headgate.model.observations import Instance, Seen
from headgate.model.releases import Release, Revision
from headgate.model.rollouts import EnvironmentState, Past, Request, Rollout
from headgate.model.steps import describe
from headgate.ports import AdapterError

View = dict[str, Any]
LIVE = timedelta(seconds=5)  # window of the rates that `watch` shows, or longer for a source that is slower


async def environment(application: Application, name: str, now: datetime) -> View:
    wheel = application.wheel(name)
    state, seen = wheel.state, wheel.seen
    routes = seen.routes.routes if seen.routes else None
    return {
        "application": application.name,
        "environment": name,
        "version": state.version,
        "now": now.isoformat(),
        "stable": _revision(state.stable, since=state.stable_since),
        "previous": _warm(state, now),
        **monitored(state, now),
        **checked(state),
        "pinned": pinned(wheel),
        "frozen": frozen(wheel, now),
        "break_glass": glass(state),
        "signed_off": signed_off(state, state.stable.release) if state.stable else None,
        "rollout": _rollout(state.rollout, now) if state.rollout else None,
        "waiting": _request(state.waiting),
        "weights": {backend.revision: backend.weight for backend in routes.backends} if routes else {},
        "labels": _labels(state),
        "instances": [_instance(instance) for instance in seen.instances or ()],
        "addresses": await _addresses(wheel),
        "waits_for": _waits_for(application, name, now),
        "horizon": horizons.shown(state, application.quarantined(wheel.environment)),
        "quarantined": dict(application.quarantined(wheel.environment)),
        "live": await live(wheel, now),
    }


def summary(application: Application, name: str, now: datetime) -> View:
    """One line of `headgate status`."""
    wheel = application.wheel(name)
    state = wheel.state
    instances = wheel.seen.instances or ()
    wanted = sum(service.replicas for service in state.stable.services) if state.stable else 0
    return {
        "environment": name,
        "stable": _revision(state.stable, since=state.stable_since),
        "rollout": _rollout(state.rollout, now) if state.rollout else None,
        "waiting": _request(state.waiting),
        "pinned": pinned(wheel),
        "frozen": frozen(wheel, now),
        "break_glass": glass(state),
        "signed_off": signed_off(state, state.stable.release) if state.stable else None,
        **monitored(state, now),
        **checked(state),
        "ready": sum(i.state == "ready" and i.revision == state.stable.id for i in instances if state.stable),
        "wanted": wanted,
        "horizon": horizons.shown(state, application.quarantined(wheel.environment)),
        "waits_for": _waits_for(application, name, now),
    }


def _waits_for(application: Application, name: str, now: datetime) -> list[str]:
    """With what would have come here by itself, and may not or cannot."""
    wheel, delay = application.wheel(name), application.delayed.get(name)
    told = [*waits_for(wheel.state, now_seen(wheel), now), *([delay.why] if delay else [])]
    return [*told, *application.configuring.told(name)]


def pinned(wheel: Wheel) -> View | None:
    """`deploy`: how releases would come here otherwise."""
    pin = wheel.state.pin
    if pin is None:
        return None
    labels = _labels(wheel.state, by=lambda revision: revision.release)
    shown = {"release": pin.release, "label": labels.get(pin.release, pin.release), "by": pin.by, "why": pin.why}
    return {**shown, "at": pin.at.isoformat(), "deploy": wheel.rules.deploy if wheel.rules else None}


def frozen(wheel: Wheel, now: datetime) -> list[View]:
    """What lets no rollout start here: its own freeze, and the whole server's."""
    both = (("environment", wheel.state.freeze), ("server", wheel.surroundings.frozen()))
    return [_freeze(scope, one) for scope, one in both if one and one.holds(now)]


def now_seen(wheel: Wheel) -> Seen:
    """What was seen in the last look, with the whole server's freeze as it is now: nobody looks where nothing was."""
    return replace(wheel.seen, frozen=wheel.surroundings.frozen())


def _freeze(scope: str, one: Freeze) -> View:
    until = one.until.isoformat() if one.until else None
    return {"scope": scope, "by": one.by, "why": one.why, "at": one.at.isoformat(), "until": until}


def line(whole: Line, applications: Iterable[Application], now: datetime) -> View:
    """Of the whole server: its freeze, what goes on all the same, and what is frozen by itself."""
    flying, own = list[View](), list[View]()
    for wheel in (wheel for one in applications for wheel in one.wheels.values()):
        application, _, name = wheel.environment.partition("/")
        where = {"application": application, "environment": name}
        if wheel.state.rollout:
            flying.append({**where, "label": wheel.state.rollout.revision.label})
        if wheel.state.freeze and wheel.state.freeze.holds(now):
            own.append(where)
    holding = whole.freeze and whole.freeze.holds(now)
    frozen = _freeze("server", whole.freeze) if whole.freeze and holding else None
    return {"frozen": frozen, "in_flight": flying, "by_themselves": own}


def glass(state: EnvironmentState) -> View | None:
    """What is stable here came through closed gates; until another takes its place."""
    ended = [one for one in state.past if one.outcome == "promoted"]
    flying = state.rollout if state.rollout and state.rollout.phase == "retiring" else None
    latest = flying or (ended[-1] if ended else None)
    return broken(latest.glass) if latest else None


def broken(one: Glass | None) -> View | None:
    return {"by": one.by, "why": one.why, "at": one.at.isoformat(), "gates": list(one.gates)} if one else None


def signed_off(state: EnvironmentState, release: ReleaseId) -> View | None:
    """The latest verdict of a person on a release here."""
    found = state.signed_off.get(release)
    return {**asdict(found), "at": found.at.isoformat()} if found else None


def applied(application: Application, now: datetime) -> View:
    """All environments of an application, in the order of its file."""
    specification = application.state.specification
    order = [rules.name for rules in specification.environments] if specification else []
    names = sorted(application.wheels, key=lambda name: order.index(name) if name in order else len(order))
    return {
        "application": application.name,
        "now": now.isoformat(),
        "source": specification.source if specification else None,
        "file": specification.file if specification else None,
        "environments": [summary(application, name, now) for name in names],
    }


def whereabouts(application: Application, release: Release) -> list[View]:
    """Where a release is, or goes next, one line for each environment that has it."""
    shown = []
    for name, wheel in application.wheels.items():
        state = wheel.state
        if state.rollout and state.rollout.revision.release == release.id:
            shown.append({"environment": name, "state": "rolling out"})
        elif state.waiting and state.waiting.revision.release == release.id:
            shown.append({"environment": name, "state": "waiting"})
        elif state.stable and state.stable.release == release.id:
            shown.append({"environment": name, "state": "stable"})
        elif (delay := application.delayed.get(name)) and delay.release == release.id:
            shown.append({"environment": name, "state": "held up", "why": delay.why})
    return shown


async def live(wheel: Wheel, now: datetime) -> View:
    """Rates and latencies of each revision with traffic, by service; {"why": ...} where they cannot be read."""
    rules, routes = wheel.rules, wheel.seen.routes.routes if wheel.seen.routes else None
    if rules is None or routes is None:
        return {}
    span = max(LIVE, rules.analysis.interval)
    source, settings, window = wheel.world.metrics[rules.metrics], rules.metric_settings, Window(now - span, now)
    pairs = [(b.revision, service) for b in routes.backends if b.weight for service in b.endpoints]
    readings = await asyncio.gather(*(source.read(Query(wheel.environment, s, settings), r, window) for r, s in pairs))
    shown: View = {}
    for (revision, service), reading in zip(pairs, readings, strict=True):
        shown.setdefault(revision, {})[service] = (
            _rates(reading, span) if isinstance(reading, Sample) else {"why": reading.reason}
        )
    return shown


def _rates(sample: Sample, span: timedelta) -> View:
    return {
        "requests_per_second": sample.requests / span.total_seconds(),
        "error_share": sample.errors / sample.requests if sample.requests else 0.0,
        "p50_ms": sample.quantile(0.50),
        "p99_ms": sample.quantile(0.99),
    }


async def _addresses(wheel: Wheel) -> View:
    if wheel.rules is None or wheel.state.stable is None:
        return {}
    router, listen = wheel.world.routers[wheel.rules.traffic], wheel.rules.listen
    services = {service.name: listen.get(service.name) for service in wheel.state.stable.services}
    try:
        addresses = await router.addresses(wheel.environment, services)
    except AdapterError:
        return {}
    return {name: {"public": address.public, "preview": address.preview} for name, address in addresses.items()}


def _labels(
    state: EnvironmentState, by: Callable[[Revision], str] = lambda revision: revision.id
) -> dict[str, str]:
    rollout = state.rollout
    known = [
        *(past.revision for past in state.past),
        state.previous,
        state.stable,
        state.waiting.revision if state.waiting else None,
        rollout.revision if rollout else None,
        rollout.baseline if rollout else None,
    ]
    return {by(revision): revision.label for revision in known if revision}


def _warm(state: EnvironmentState, now: datetime) -> View | None:
    if state.previous is None or state.warm_until is None or state.warm_until <= now or state.rollout:
        return None
    return {**(_revision(state.previous) or {}), "warm_until": state.warm_until.isoformat()}


def _revision(revision: Revision | None, since: datetime | None = None) -> View | None:
    if revision is None:
        return None
    shown = {"revision": revision.id, "release": revision.release, "commit": revision.commit, "label": revision.label}
    shown["configuration"] = revision.configuration
    return {**shown, "since": since.isoformat()} if since else shown


def _request(waiting: Request | None) -> View | None:
    """A release that waits, under the id that its rollout will have."""
    if waiting is None:
        return None
    hurry = {"hotfix": waiting.hotfix, "break_glass": waiting.break_glass}
    return {**(_revision(waiting.revision) or {}), "rollout": waiting.rollout, **hurry}


def _rollout(rollout: Rollout, now: datetime) -> View:
    verdict = verdict_now(rollout, now)
    return {
        "id": rollout.id,
        "kind": rollout.kind,
        "candidate": _revision(rollout.revision),
        "replaces": rollout.replaces,
        "baseline": _revision(rollout.baseline) if weight_at(rollout) < 100 and rollout.phase != "aborting" else None,
        "strategy": rollout.strategy.kind,
        "phase": rollout.phase,
        "hotfix": rollout.hotfix,
        "break_glass": broken(rollout.glass),
        "by": rollout.by,
        "started_at": rollout.started_at.isoformat(),
        "position": rollout.position,
        "weight": weight_at(rollout) if rollout.phase != "aborting" else 0,
        "steps": [describe(step) for step in rollout.steps],
        "step_seconds": (now - rollout.step_started_at).total_seconds(),
        "why": rollout.why,
        "verdict": {"outcome": verdict.outcome.value, "why": verdict.why},
        "evidence": evidence(rollout, verdict),
    }


def _instance(instance: Instance) -> View:
    return {
        "id": instance.id,
        "revision": instance.revision,
        "service": instance.service,
        "address": instance.address,
        "state": instance.state,
        "restarts": instance.restarts,
        "detail": instance.detail,
    }


def release(release: Release) -> View:
    return {
        "release": release.id,
        "label": release.label,
        "commit": release.commit,
        "branch": release.branch,
        "author": release.author,
        "subject": release.subject,
        "created_at": release.created_at.isoformat(),
        "images": release.images,
        "elsewhere": release.elsewhere,
    }


def released(application: Application, one: Release) -> View:
    """A release, where it is, and why it is refused if it is."""
    refused = application.quarantined(environment_id(application.name, ""))
    return {
        **release(one),
        "services": [service.name for service in one.services],
        "environments": whereabouts(application, one),
        "quarantined": refused.get(one.id),
    }


def traffic(recorded: list[Recorded]) -> View:
    """What was measured of the environment's traffic, the latest minutes of it, by service."""
    return {name: asdict(one) for name, one in measured(recorded).items()}


def past(state: EnvironmentState) -> list[View]:
    """Ended rollouts, newest first."""
    return [{**_past(one), "past_horizon": horizons.beyond(one, state)} for one in reversed(state.past)]


def _past(one: Past) -> View:
    return {
        "rollout": one.rollout,
        "kind": one.kind,
        "release": one.revision.release,
        "label": one.revision.label,
        "configuration": one.revision.configuration,
        "outcome": one.outcome,
        "started_at": one.started_at.isoformat(),
        "ended_at": one.ended_at.isoformat(),
        "seconds": (one.ended_at - one.started_at).total_seconds(),
        "why": one.why,
        "break_glass": broken(one.glass),
    }
