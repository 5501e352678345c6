"""What the world should look like, and the differences from what it looks like.

Order: start before shifting, shift before stopping, never route to what is not ready. Every effect is safe to repeat.
"""

from collections import Counter
from datetime import datetime, timedelta

from headgate.decide import provisioning
from headgate.decide.judging import weight_at
from headgate.decide.measuring import jobs_due
from headgate.decide.migrating import order, running
from headgate.decide.progress import can_serve, instances_of, job_id, may_run_again
from headgate.model.checks import Check, Job
from headgate.model.effects import ApplyPlan, Effect, Run, RunJob, RunMigration, SetRoutes, Stop
from headgate.model.ids import JobId, RevisionId
from headgate.model.observations import Instance, Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Rollout
from headgate.model.routes import Backend, Routes, RoutesSeen, baseline_weight
from headgate.model.rules import Deadlines
from headgate.model.steps import Migrate, Provision, RunCheck


def plan(state: EnvironmentState, seen: Seen, now: datetime) -> list[Effect]:
    first = [*_starts(state, seen, now), *_shifts(state, seen, now), *_jobs(state, seen, now)]
    return [*first, *_provisions(state, seen), *_migrations(state, seen), *_stops(state, seen, now)]


def wanted(state: EnvironmentState, now: datetime) -> list[Revision]:
    """The revisions that should run, candidate first: never more than two, and a baseline between them."""
    rollout = state.rollout
    stable = [state.stable] if state.stable else []
    if rollout and rollout.phase in ("running", "paused"):
        if isinstance(rollout.step, Provision | Migrate):
            return stable  # the candidate waits for the ground and the data it is made for
        beside = [rollout.baseline] if rollout.baseline and weight_of(state) < 100 else []
        return _distinct([rollout.revision, *beside, *stable])
    warm = state.previous and state.warm_until and now < state.warm_until
    aborting = rollout and rollout.phase == "aborting"
    return _distinct([*stable, *([state.previous] if warm and not aborting and state.previous else [])])


def _distinct(revisions: list[Revision]) -> list[Revision]:
    return list({revision.id: revision for revision in revisions}.values())


def _starts(state: EnvironmentState, seen: Seen, now: datetime) -> list[Effect]:
    if seen.instances is None:
        return []
    return [Run(one) for one in wanted(state, now) if _starts_now(one, seen, now)]


def _starts_now(revision: Revision, seen: Seen, now: datetime) -> bool:
    """Drift that is only to be told is left as it is, whatever it took away."""
    drift = [one for one in seen.drift if one.revision == revision.id]
    if any(not one.heal for one in drift):
        return False
    return bool(drift) or _lacks(revision, seen, now)


def _lacks(revision: Revision, seen: Seen, now: datetime) -> bool:
    """A service has fewer instances than wanted, counting those that are alive or in their back-off."""
    counted = Counter(
        i.service for i in instances_of(revision.id, seen) if _lives(i) or (i.retry_at and i.retry_at > now)
    )
    return any(counted[service.name] < service.replicas for service in revision.services)


def _lives(instance: Instance) -> bool:
    return instance.state in ("starting", "ready", "unready")


def _shifts(state: EnvironmentState, seen: Seen, now: datetime) -> list[Effect]:
    if seen.instances is None or seen.routes is None:
        return []
    routes = desired_routes(state, seen, seen.routes, now)
    return [SetRoutes(routes)] if routes is not None and routes != seen.routes.routes else []


def desired_routes(state: EnvironmentState, seen: Seen, current: RoutesSeen, now: datetime) -> Routes | None:
    """None: leave the routes as they are, because nobody who should serve is ready."""
    keep = [revision for revision in wanted(state, now) if can_serve(revision, seen)]
    weights = _weights(state, keep)
    if weights is None and state.stable is not None:
        return None
    shares = weights or {}
    backends = [Backend(r.id, shares.get(r.id, 0), endpoints(r.id, seen)) for r in keep]
    backends += _draining(state, seen, current, {backend.revision for backend in backends}, now)
    if not backends and current.routes is None:
        return None
    preview = _preview(state.rollout, {backend.revision for backend in backends})
    strategy = state.strategy
    audience = strategy.audience if preview and weight_of(state) > 0 else None
    sticky = strategy.sticky and any(backend.weight for backend in backends)  # nothing to stick to before
    return Routes(state.id, tuple(backends), preview, sticky, audience)


def weight_of(state: EnvironmentState) -> int:
    """Percent that the candidate should have; 0 without one."""
    rollout = state.rollout
    return weight_at(rollout) if rollout and rollout.phase in ("running", "paused") else 0


def _weights(state: EnvironmentState, ready: list[Revision]) -> dict[RevisionId, int] | None:
    """Shares among those that are ready; whoever is left takes all, if it was meant to have traffic at all."""
    able, rollout = {revision.id for revision in ready}, state.rollout
    candidate = weight_of(state) if rollout and rollout.revision.id in able else 0
    shares = {rollout.revision.id: candidate} if rollout and candidate else {}
    for revision, share in _at_home(state, candidate, able).items():
        shares[revision] = shares.get(revision, 0) + share
    serving = {revision: share for revision, share in shares.items() if revision in able}
    return {next(iter(serving)): 100} if len(serving) == 1 else serving or None


def _at_home(state: EnvironmentState, candidate: int, able: set[RevisionId]) -> dict[RevisionId, int]:
    """What the candidate does not have: the stable's, shared with a baseline. Either stands in for the other."""
    stable, left = state.stable, 100 - candidate
    if stable is None or not left:
        return {}
    fresh = state.rollout.baseline if state.rollout and candidate else None
    if fresh is None or fresh.id not in able:
        return {stable.id: left}
    beside = baseline_weight(candidate) if stable.id in able else left
    return {fresh.id: beside, stable.id: left - beside}


def _draining(
    state: EnvironmentState, seen: Seen, current: RoutesSeen, kept: set[RevisionId], now: datetime
) -> list[Backend]:
    """Who lost its traffic stays named with weight 0 until its last requests are answered: none is cut off."""
    leaving = [b for b in (current.routes.backends if current.routes else ()) if b.revision not in kept]
    limit = _drain_limit(state, seen)
    waited = now - state.draining_since if state.draining_since else timedelta.max
    busy = {revision for revision, requests in current.active.items() if requests and waited < limit}
    return [Backend(b.revision, 0, b.endpoints) for b in leaving if b.weight or b.revision in busy]


def _drain_limit(state: EnvironmentState, seen: Seen) -> timedelta:
    if state.rollout:
        return state.rollout.deadlines.drain
    return (seen.rules.deadlines if seen.rules else Deadlines()).drain


def endpoints(revision: RevisionId, seen: Seen) -> dict[str, tuple[str, ...]]:
    """Addresses of ready instances, sorted, by service."""
    found: dict[str, list[str]] = {}
    for instance in instances_of(revision, seen):
        if instance.state == "ready":
            found.setdefault(instance.service, []).append(instance.address)
    return {service: tuple(sorted(addresses)) for service, addresses in sorted(found.items())}


def _preview(rollout: Rollout | None, routed: set[RevisionId]) -> RevisionId | None:
    if rollout is None or rollout.phase not in ("running", "paused") or rollout.revision.id not in routed:
        return None
    return rollout.revision.id


def _jobs(state: EnvironmentState, seen: Seen, now: datetime) -> list[Effect]:
    """The check of a check step, or what is read as a metric; each once."""
    rollout = state.rollout
    if rollout is None or rollout.phase != "running":
        return []
    step = rollout.step
    if not isinstance(step, RunCheck):
        metrics = jobs_due(rollout, now)
        known = {job.id for job in seen.jobs}
        lacking = [job(rollout, check, True, one, seen) for one, check in metrics.items() if one not in known]
    elif any(job.id == job_id(rollout) and not may_run_again(step.check, job) for job in seen.jobs):
        return []
    else:
        lacking = [job(rollout, step.check, step.preview, job_id(rollout), seen)]
    return [RunJob(one) for one in lacking] if _reachable(rollout, seen) else []


def _migrations(state: EnvironmentState, seen: Seen) -> list[Effect]:
    """What has begun is seen to its end, whatever becomes of the rollout that it came with."""
    run = running(state)
    if run is None or any(job.id == order(run).id for job in seen.jobs):
        return []
    return [RunMigration(order(run))]


def _provisions(state: EnvironmentState, seen: Seen) -> list[Effect]:
    """After a crash it is asked for again: what was done of it is not done twice."""
    run = provisioning.running(state)
    if run is None or (seen.provisioning and provisioning.is_of(seen.provisioning, run)):
        return []
    return [ApplyPlan(state.id, run.plan.digest)]


def _reachable(rollout: Rollout, seen: Seen) -> bool:
    """Before the preview routes are up, or while they are taken down, a check would fail for no reason of its own."""
    routes = seen.routes.routes if seen.routes else None
    known = all(service.name in seen.addresses for service in rollout.revision.services)
    up = routes is not None and routes.preview == rollout.revision.id
    return up and known and can_serve(rollout.revision, seen)


def job(rollout: Rollout, check: Check, preview: bool, one: JobId, seen: Seen) -> Job:
    services = rollout.revision.services
    where = {s.name: seen.addresses[s.name] for s in services if s.name in seen.addresses}
    return Job(
        id=one,
        environment=rollout.revision.environment,
        revision=rollout.revision.id,
        check=check,
        services={name: address.preview if preview else address.public for name, address in where.items()},
        health_paths={service.name: service.health.path for service in services},
    )


def _stops(state: EnvironmentState, seen: Seen, now: datetime) -> list[Effect]:
    """Only what nobody wants, and only once the router no longer names it."""
    if seen.instances is None or seen.routes is None:
        return []
    keep = {revision.id for revision in wanted(state, now)}
    routes = seen.routes.routes
    stray = dict.fromkeys(i.revision for i in seen.instances if i.revision not in keep and i.state != "stopping")
    return [Stop(state.id, revision) for revision in stray if routes is None or not routes.names(revision)]
