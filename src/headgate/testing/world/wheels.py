"""The wheel in its shortest form around the pure rooms: no tasks, no pauses, so that a world turns it fast.

The only place in `testing` that knows `decide`. Whatever else turns a wheel (the engine's does) can stand in for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from headgate.decide import accept as accepting
from headgate.decide import fold as folding
from headgate.decide import parity, pipeline, rules, standstill
from headgate.decide import plan as planning
from headgate.decide.baseline import with_traffic
from headgate.decide.judging import weight_at
from headgate.decide.migrating import order, running
from headgate.decide.monitoring import watched_now
from headgate.decide.progress import job_id
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.checks import JobSeen
from headgate.model.commands import Command, Refused
from headgate.model.effects import ApplyPlan, Effect, Run, RunJob, RunMigration, SetRoutes, Stop
from headgate.model.freezes import Freeze
from headgate.model.ids import (
    SERVER_STREAM,
    EnvironmentId,
    ReleaseId,
    RolloutId,
    application_stream,
    environment_id,
    environment_stream,
)
from headgate.model.measurements import Measurement, NoData, Query, Sample, Window
from headgate.model.observations import GateAnswer, Instance, Place, Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, SignOff
from headgate.model.routes import RoutesSeen
from headgate.model.rules import Environment, WebhookGate
from headgate.model.steps import RunCheck
from headgate.ports import (
    AdapterError,
    Away,
    Clock,
    Conflict,
    EventLog,
    Gatekeeper,
    MetricSource,
    Migrator,
    Platform,
    Provisioner,
    TrafficRouter,
)
from headgate.testing.world.applies import Applies

Freezing = c.Freeze | c.Unfreeze


class MigratingPlatform(Platform, Migrator, Protocol):
    """All that the simulated world has."""


@dataclass(frozen=True, slots=True)
class Ports:
    platform: MigratingPlatform
    router: TrafficRouter
    metrics: MetricSource
    log: EventLog
    clock: Clock
    gatekeeper: Gatekeeper
    provisioner: Provisioner


class Wheels(Protocol):
    """One server with all its environments."""

    async def remember(self) -> None: ...

    async def turn(self, environment: EnvironmentId) -> None: ...

    async def command(self, environment: EnvironmentId, command: Command) -> Refused | None: ...

    async def announce(self, event: e.Event) -> None:
        """Append to the application's stream."""
        ...

    async def stop_the_line(self, command: Freezing) -> Refused | None:
        """Every environment at once."""
        ...

    async def advance(self) -> list[pipeline.Wanted]:
        """Quarantine what was refused; returns what should be asked for now."""
        ...

    def state(self, environment: EnvironmentId) -> EnvironmentState: ...

    def quarantined(self) -> Mapping[ReleaseId, str]: ...

    def close(self) -> None:
        """The server is killed, with all that it does beside."""
        ...


@dataclass
class PlainWheels:
    name: str  # of the application
    ports: Ports
    states: dict[EnvironmentId, EnvironmentState] = field(default_factory=dict)
    around: pipeline.ApplicationState = field(default_factory=pipeline.ApplicationState)
    frozen: Freeze | None = None  # the latest of the whole server
    line: int = 0  # version of the server's stream
    answers: dict[tuple[WebhookGate, RolloutId], GateAnswer] = field(default_factory=dict)
    applies: Applies = field(init=False)

    def __post_init__(self) -> None:
        self.applies = Applies(self.ports.provisioner)

    def close(self) -> None:
        self.applies.close()

    def state(self, environment: EnvironmentId) -> EnvironmentState:
        return self.states.get(environment) or folding.empty(environment)

    async def remember(self) -> None:
        read = await self.ports.log.read(application_stream(self.name), self.around.version)
        self.around = pipeline.fold_application(self.around, read)
        self._remember_line(await self.ports.log.read(SERVER_STREAM, self.line))
        for rules_ in self.around.specification.environments if self.around.specification else ():
            await self._remember(environment_id(self.name, rules_.name))

    async def _remember(self, environment: EnvironmentId) -> EnvironmentState:
        state = self.state(environment)
        state = folding.fold(state, await self.ports.log.read(environment_stream(environment), state.version))
        self.states[environment] = state
        return state

    async def turn(self, environment: EnvironmentId) -> None:
        state = await self._remember(environment)
        seen = await self._look(state, measure=True)
        events = rules.decide(state, seen, self.ports.clock.now())
        if await self._record(environment, events):
            await self._act(environment, seen)

    async def command(self, environment: EnvironmentId, command: Command) -> Refused | None:
        state = await self._remember(environment)
        seen = await self._look(state, measure=False)
        answer = accepting.accept(command, state, seen, self.ports.clock.now())
        if isinstance(answer, Refused):
            return answer
        await self._record(environment, answer)
        return None

    async def _record(self, environment: EnvironmentId, events: list[e.Event]) -> bool:
        """Record first. False: someone else wrote, so nothing that was decided here counts."""
        if not events:
            return True
        state = self.state(environment)
        try:
            recorded = await self.ports.log.append(environment_stream(environment), events, state.version)
        except Conflict:
            return False
        self.states[environment] = folding.fold(state, recorded)
        return True

    async def _act(self, environment: EnvironmentId, seen: Seen) -> None:
        for effect in planning.plan(self.state(environment), seen, self.ports.clock.now()):
            try:
                await self._perform(effect)
            except AdapterError as error:
                state = self.state(environment)
                attempt = max((f.attempt for f in state.failures if f.effect == str(effect)), default=0) + 1
                failed = e.EffectFailed(str(effect), str(error), attempt, away=isinstance(error, Away))
                await self._record(environment, [failed])

    async def _perform(self, effect: Effect) -> None:
        match effect:
            case Run(revision=revision):
                await self.ports.platform.run(revision)
            case Stop(environment=environment, revision=stopped):
                await self.ports.platform.stop(environment, stopped)
            case RunMigration(order=begun):
                await self.ports.platform.migrate(begun)
            case SetRoutes(routes=routes):
                await self.ports.router.set_routes(routes)
            case ApplyPlan(environment=environment):
                self.applies.begin(self.state(environment), self.rules(environment))
            case RunJob(job=job):
                await self.ports.platform.run_job(job)

    # --- the application around the environments

    def rules(self, environment: EnvironmentId) -> Environment | None:
        specification = self.around.specification
        return specification.environment(environment.partition("/")[2]) if specification else None

    def quarantined(self) -> Mapping[ReleaseId, str]:
        """Recorded, and not yet recorded: an abort a moment ago counts at once."""
        pending = pipeline.quarantine(self.around, self._by_name())
        late = {one.release: one.why for one in pending}
        return {**self.around.quarantined, **late}

    def passed(self, environment: EnvironmentId) -> Mapping[ReleaseId, datetime]:
        rules_ = self.rules(environment)
        if rules_ is None or rules_.after is None:
            return {}
        return pipeline.passed(self.state(environment_id(self.name, rules_.after)), self.ports.clock.now())

    def signed_off(self, environment: EnvironmentId) -> dict[str, Mapping[ReleaseId, SignOff]]:
        rules_ = self.rules(environment)
        return pipeline.signed_off(self.around.specification, rules_, self._by_name()) if rules_ else {}

    def beside(self, environment: EnvironmentId) -> dict[str, Place]:
        """Of platforms that tell no version."""
        rules_ = self.rules(environment)
        found = parity.beside(self.around.specification, rules_, self._by_name()) if rules_ else {}
        return {name: replace(place, version="") for name, place in found.items()}

    async def announce(self, event: e.Event) -> None:
        recorded = await self.ports.log.append(application_stream(self.name), [event], self.around.version)
        self.around = pipeline.fold_application(self.around, recorded)

    async def stop_the_line(self, command: Freezing) -> Refused | None:
        now = self.ports.clock.now()
        if isinstance(command, c.Freeze):
            answer = standstill.may_freeze(command, self.frozen, now, "--all")
        else:
            answer = standstill.may_unfreeze(command, self.frozen, now)
        if isinstance(answer, Refused):
            return answer
        self._remember_line(await self.ports.log.append(SERVER_STREAM, answer, self.line))
        return None

    def _remember_line(self, recorded: list[e.Recorded]) -> None:
        self.frozen = standstill.latest(self.frozen, recorded)
        self.line = recorded[-1].version if recorded else self.line

    async def advance(self) -> list[pipeline.Wanted]:
        for event in pipeline.quarantine(self.around, self._by_name()):
            await self.announce(event)
        return pipeline.advance(self.around, self._by_name())

    def _by_name(self) -> dict[str, EnvironmentState]:
        return {environment.partition("/")[2]: state for environment, state in self.states.items()}

    # --- look

    async def _look(self, state: EnvironmentState, measure: bool) -> Seen:
        unknown: list[str] = []
        instances = await self._instances(state, unknown)
        routes = await self._routes(state, unknown)
        services: dict[str, int | None] = (
            {s.name: None for s in state.rollout.revision.services} if state.rollout else {}
        )
        return Seen(
            rules=self.rules(state.id),
            instances=instances,
            routes=routes,
            addresses=await self.ports.router.addresses(state.id, services) if services else {},
            jobs=(*await self._jobs(state), *await self._migration(state)),
            measurement=await self._measurement(state, routes) if measure else None,
            watched=await self._watched(state) if measure else None,
            unknown=tuple(unknown),
            quarantined=dict(self.quarantined()),
            passed=dict(self.passed(state.id)),
            signed_off=self.signed_off(state.id),
            frozen=self.frozen,
            answers=await self._asked(state),
            beside=self.beside(state.id),
            version="",
            planned=await self.applies.planned(state, self.rules(state.id), self.ports.clock.now()),
            provisioning=self.applies.seen(state),
        )

    async def _asked(self, state: EnvironmentState) -> dict[tuple[WebhookGate, RolloutId], GateAnswer]:
        request, rules_, now = state.waiting, self.rules(state.id), self.ports.clock.now()
        for gate in rules_.gates if request and rules_ else ():
            if request and isinstance(gate, WebhookGate):
                known = self.answers.get((gate, request.rollout))
                if known is None or now - known.at >= gate.every:
                    known = await self.ports.gatekeeper.ask(gate, {"rollout": request.rollout}, now)
                self.answers[gate, request.rollout] = known
        return dict(self.answers)

    async def _instances(self, state: EnvironmentState, unknown: list[str]) -> tuple[Instance, ...] | None:
        try:
            return tuple(await self.ports.platform.observe(state.id))
        except AdapterError as error:
            unknown.append(str(error))
            return None

    async def _routes(self, state: EnvironmentState, unknown: list[str]) -> RoutesSeen | None:
        try:
            return await self.ports.router.observe(state.id)
        except AdapterError as error:
            unknown.append(str(error))
            return None

    async def _jobs(self, state: EnvironmentState) -> tuple[JobSeen, ...]:
        if state.rollout is None or not isinstance(state.rollout.step, RunCheck):
            return ()
        try:
            job = await self.ports.platform.observe_job(state.id, job_id(state.rollout))
        except AdapterError:
            return ()
        return (job,) if job else ()

    async def _migration(self, state: EnvironmentState) -> tuple[JobSeen, ...]:
        run = running(state)
        try:
            seen = run and await self.ports.platform.observe_migration(state.id, order(run).id)
        except AdapterError:
            return ()
        return (seen,) if seen else ()

    async def _measurement(self, state: EnvironmentState, routes: RoutesSeen | None) -> Measurement | None:
        rollout, now = state.rollout, self.ports.clock.now()
        if rollout is None:
            return None
        since = rollout.last_tick_at
        on_trial = rollout.phase in ("running", "paused")
        if not on_trial or since is None or now - since < rollout.analysis.interval:
            return None
        window, missing = Window(since, now), list[str]()
        home = with_traffic(state, routes.routes if routes else None)
        candidate = await self._samples(rollout.revision if weight_at(rollout) else None, window, missing)
        stable, baseline = [await self._samples(home[name], window, missing) for name in ("stable", "baseline")]
        return Measurement(rollout.ticks + 1, window, candidate, stable, tuple(missing), baseline)

    async def _watched(self, state: EnvironmentState) -> Measurement | None:
        monitoring, now = watched_now(state), self.ports.clock.now()
        if monitoring is None or now - monitoring.last_tick_at < monitoring.rules.interval:
            return None
        window, missing = Window(monitoring.last_tick_at, now), list[str]()
        stable = await self._samples(state.stable, window, missing)
        return Measurement(monitoring.ticks + 1, window, stable=stable, missing=tuple(missing))

    async def _samples(self, revision: Revision | None, window: Window, missing: list[str]) -> dict[str, Sample]:
        samples = dict[str, Sample]()
        if revision is None:
            return samples
        for service in revision.services:
            query = Query(revision.environment, service.name)
            reading = await self.ports.metrics.read(query, revision.id, window)
            if isinstance(reading, NoData):
                missing.append(f"{service.name}: {reading.reason}")
            else:
                samples[service.name] = reading
        return samples
