"""Look: what the world says of one environment right now. What cannot be seen is named, never guessed."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from headgate.decide.baseline import with_traffic
from headgate.decide.judging import weight_at
from headgate.decide.measuring import jobs_due
from headgate.decide.migrating import order, running
from headgate.decide.progress import job_id
from headgate.engine.values import Values
from headgate.engine.world import World
from headgate.model.checks import JobSeen
from headgate.model.clusters import Drift
from headgate.model.ids import ReleaseId
from headgate.model.measurements import Measurement, NoData, Query, Reading, Sample, Window
from headgate.model.observations import Instance, Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Rollout
from headgate.model.routes import Address, RoutesSeen
from headgate.model.rules import Environment
from headgate.model.steps import RunCheck
from headgate.ports import AdapterError, Migrator

Answer = TypeVar("Answer")
LIMIT = timedelta(seconds=10)  # for one question; the adapters have shorter limits of their own

log = logging.getLogger(__name__)


class Look:
    """One look at one environment. Rules may be None: what runs there is then still seen, and taken down if asked."""

    def __init__(self, world: World, state: EnvironmentState, rules: Environment, values: Values | None = None) -> None:
        self.platform = world.platforms[rules.platform]
        self.router = world.routers[rules.traffic]
        self.metrics = world.metrics[rules.metrics]
        self.values = values or Values(world.values)
        self.state = state
        self.rules = rules
        self.hide = world.hidden.hide  # what instances print may hold what they were given
        self.unknown: list[str] = []
        self.drift: tuple[Drift, ...] = ()

    async def take(
        self, now: datetime, quarantined: Mapping[ReleaseId, str], passed: Mapping[ReleaseId, datetime], measure: bool
    ) -> Seen:
        looks = (self._instances(), self._routes(), self._jobs(now), self._migration())
        instances, routes, jobs, migration = await asyncio.gather(*looks)
        return Seen(
            rules=self.rules,
            instances=instances,
            routes=routes,
            addresses=await self._addresses() if self.state.rollout else {},
            jobs=(*jobs, *migration),
            measurement=await self._measurement(now, routes, jobs) if measure else None,
            drift=self.drift,
            unknown=tuple(dict.fromkeys(map(self.hide, self.unknown))),
            quarantined=dict(quarantined),
            passed=dict(passed),
        )

    def _services(self) -> dict[str, int | None]:
        rollout = self.state.rollout
        revisions = [r for r in (rollout.revision if rollout else None, self.state.stable) if r]
        return {service.name: self.rules.listen.get(service.name) for r in revisions for service in r.services}

    async def _instances(self) -> tuple[Instance, ...] | None:
        found = await self._seen("the platform cannot be seen", self.platform.observe(self.state.id))
        if found is not None and hasattr(self.platform, "unseen"):
            self.unknown += self.platform.unseen(self.state.id)
        if found is not None and hasattr(self.platform, "drift"):
            self.drift = tuple(replace(one, what=self.hide(one.what)) for one in self.platform.drift(self.state.id))
        return None if found is None else tuple(replace(one, detail=self.hide(one.detail)) for one in found)

    async def _routes(self) -> RoutesSeen | None:
        return await self._seen("the router cannot be asked", self.router.observe(self.state.id))

    async def _addresses(self) -> dict[str, Address]:
        asked = self.router.addresses(self.state.id, self._services())
        return await self._seen("the router cannot say its addresses", asked) or {}

    async def _jobs(self, now: datetime) -> tuple[JobSeen, ...]:
        rollout = self.state.rollout
        if rollout is None:
            return ()
        wanted = [job_id(rollout)] if isinstance(rollout.step, RunCheck) else list(jobs_due(rollout, now))
        otherwise = "the check cannot be seen"
        asked = (self._seen(otherwise, self.platform.observe_job(self.state.id, job)) for job in wanted)
        found = [job for job in await asyncio.gather(*asked) if job]
        return tuple(replace(job, detail=self.hide(job.detail)) for job in found)

    async def _migration(self) -> tuple[JobSeen, ...]:
        run = running(self.state)
        if run is None or not isinstance(self.platform, Migrator):
            return ()
        asked = self.platform.observe_migration(self.state.id, order(run).id)
        seen = await self._seen("the migration cannot be seen", asked)
        return (replace(seen, detail=self.hide(seen.detail)),) if seen else ()

    async def _seen(self, otherwise: str, asked: Awaitable[Answer]) -> Answer | None:
        """The turn goes on whatever becomes of the question: a world that hangs keeps no rollout from its deadlines."""
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                return await asked
        except AdapterError as error:
            self.unknown.append(f"{otherwise}: {error}")
        except TimeoutError:
            self.unknown.append(f"{otherwise}: no answer within {LIMIT.total_seconds():.0f} s")
        except Exception as error:
            log.exception("%s: %s", self.state.id, otherwise)
            self.unknown.append(f"{otherwise}: {type(error).__name__} (a defect of the adapter; see the server's log)")
        return None

    async def _measurement(
        self, now: datetime, routes: RoutesSeen | None, jobs: tuple[JobSeen, ...]
    ) -> Measurement | None:
        rollout = self.state.rollout
        if rollout is None or rollout.phase not in ("running", "paused") or rollout.last_tick_at is None:
            return None
        if now - rollout.last_tick_at < rollout.analysis.interval:
            return None
        taken, values = await asyncio.gather(
            self._tick(rollout, Window(rollout.last_tick_at, now), routes),
            self.values.take(self.state, rollout, jobs, now),
        )
        return replace(taken, values=values)

    async def _tick(self, rollout: Rollout, window: Window, routes: RoutesSeen | None) -> Measurement:
        asked = {"candidate": rollout.revision if weight_at(rollout) else None}
        asked |= with_traffic(self.state, routes.routes if routes else None)
        read = {name: await self.samples(one, window) if one else ({}, ()) for name, one in asked.items()}
        missing = tuple(f"{name}: {why}" for name, (_, reasons) in read.items() for why in reasons)
        candidate, stable, baseline = (samples for samples, _ in read.values())
        return Measurement(rollout.ticks + 1, window, candidate, stable, missing, baseline)

    async def samples(self, revision: Revision, window: Window) -> tuple[dict[str, Sample], tuple[str, ...]]:
        """Samples by service of that revision (a release may add or drop one), and why some could not be read."""
        queries = [Query(self.state.id, service.name, self.rules.metric_settings) for service in revision.services]
        readings = await asyncio.gather(*(self._reading(query, revision, window) for query in queries))
        both = list(zip((query.service for query in queries), readings, strict=True))
        samples = {service: reading for service, reading in both if isinstance(reading, Sample)}
        return samples, tuple(f"{service}: {r.reason}" for service, r in both if isinstance(r, NoData))

    async def _reading(self, query: Query, revision: Revision, window: Window) -> Reading:
        otherwise = "the metric source cannot be read"
        reading = await self._seen(otherwise, self.metrics.read(query, revision.id, window))
        return NoData(otherwise) if reading is None else reading
