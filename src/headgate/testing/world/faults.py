"""Fakes that fail as the real world does: they raise, hang, half-happen, happen twice, go blind; and the server dies.

Every fault happens at a port, so it falls between two lines of whatever turns the wheel.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from headgate.model.checks import Job, JobSeen
from headgate.model.events import EffectFailed, Event, Recorded
from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.model.measurements import NoData, Query, Reading, Window
from headgate.model.observations import GateAnswer, Instance
from headgate.model.releases import Revision
from headgate.model.routes import Address, Routes, RoutesSeen
from headgate.model.rules import WebhookGate
from headgate.model.schema import MigrationOrder
from headgate.ports import AdapterError, Away, Conflict, LogUnavailable
from headgate.testing.fakes.clock import FakeClock
from headgate.testing.fakes.eventlog import MemoryEventLog
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.platform import FakePlatform
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.world.chance import Chance
from headgate.testing.world.grounds import GroundWatch
from headgate.testing.world.story import Story
from headgate.testing.world.vigil import Vigils

Do = Callable[[], Awaitable[None]]
Undo = Callable[[], None]


class Crash(BaseException):
    """The server is killed here. Nothing in memory outlives it."""


@dataclass(slots=True)
class Weather:
    """Probabilities, each for one call of a port (or one moment, for nature)."""

    crash: float = 0.0
    raises: float = 0.0
    half: float = 0.0  # something happened, then it raised
    hangs: float = 0.0  # returns, but takes hold later
    twice: float = 0.0
    unseen: float = 0.0  # an observation raises
    blind: float = 0.0  # a reading is NoData
    conflict: float = 0.0
    deaths: float = 0.0  # an instance dies
    meddling: float = 0.0  # someone changes routes or starts instances by hand
    jumps: float = 0.0  # of the clock


def make_weather(chance: Chance) -> Weather:
    """A quarter of the worlds are calm; in others each kind of fault is absent, rare or frequent."""
    weather = Weather()
    if chance.happens(0.25):
        return weather
    for kind in fields(weather):
        setattr(weather, kind.name, chance.one((0.0, 0.004, 0.03)))
    return weather


@dataclass
class Faults:
    """When something goes wrong, and what was begun but has not taken hold yet."""

    chance: Chance
    clock: FakeClock
    story: Story
    watch: GroundWatch
    vigils: Vigils
    weather: Weather

    def __post_init__(self) -> None:
        self._pending: list[tuple[datetime, Do]] = []

    def crash(self) -> None:
        if self.chance.happens(self.weather.crash):
            raise Crash

    def look(self, what: str) -> None:
        self.crash()
        if self.chance.happens(self.weather.unseen):
            raise AdapterError(f"{what} does not answer")

    async def strike(self, what: str, whole: Do, half: Do) -> None:
        """Do it, or what becomes of it today. Doing must be safe to repeat."""
        weather, chance = self.weather, self.chance
        self.crash()
        if chance.happens(weather.raises):
            raise AdapterError(f"{what}: refused")
        if chance.happens(weather.half):
            await half()
            raise Away(f"{what}: the connection broke")
        if chance.happens(weather.hangs):
            self._pending.append((self.clock.now() + timedelta(seconds=chance.between(0.5, 20)), whole))
            self.story.tell(self.clock.now(), "  %s hangs", what)
            return
        await whole()
        if chance.happens(weather.twice):
            await whole()
        self.crash()

    async def let_late_effects_take_hold(self, all_of_them: bool = False) -> None:
        due = [(at, do) for at, do in self._pending if all_of_them or at <= self.clock.now()]
        self._pending = [one for one in self._pending if one not in due]
        for _, do in due:
            await do()


class FaultyPlatform:
    def __init__(self, faults: Faults, inner: FakePlatform, meet: Callable[[Revision], None]) -> None:
        self._faults, self.inner, self._meet = faults, inner, meet

    async def run(self, revision: Revision) -> None:
        self._meet(revision)
        self._faults.watch.runs(revision)
        await self._faults.strike(f"run {revision.id}", lambda: self.inner.run(revision), lambda: self._half(revision))

    async def _half(self, revision: Revision) -> None:
        first = revision.services[0]
        self.inner.start(revision, first.name, max(1, first.replicas - 1))

    async def stop(self, environment: EnvironmentId, revision: RevisionId) -> None:
        self._faults.watch.stops(environment, revision)

        async def whole() -> None:
            await self.inner.stop(environment, revision)

        await self._faults.strike(f"stop {revision}", whole, whole)

    async def observe(self, environment: EnvironmentId) -> Sequence[Instance]:
        self._faults.watch.sees_instances(environment, None)
        self._faults.look("the platform")
        seen = tuple(await self.inner.observe(environment))
        self._faults.watch.sees_instances(environment, seen)
        return seen

    async def run_job(self, job: Job) -> None:
        async def nothing() -> None:
            return

        await self._faults.strike(f"run job {job.id}", lambda: self.inner.run_job(job), nothing)

    async def observe_job(self, environment: EnvironmentId, job: JobId) -> JobSeen | None:
        self._faults.look("the platform")
        return await self.inner.observe_job(environment, job)

    async def migrate(self, order: MigrationOrder) -> None:
        self._faults.watch.migrates(order)

        async def nothing() -> None:
            return

        await self._faults.strike(f"migrate {order.id}", lambda: self.inner.migrate(order), nothing)

    async def observe_migration(self, environment: EnvironmentId, migration: JobId) -> JobSeen | None:
        self._faults.look("the platform")
        return await self.inner.observe_migration(environment, migration)


class FaultyRouter:
    def __init__(self, faults: Faults, inner: FakeRouter) -> None:
        self._faults, self.inner = faults, inner

    async def addresses(self, environment: EnvironmentId, services: Mapping[str, int | None]) -> dict[str, Address]:
        return await self.inner.addresses(environment, services)

    async def set_routes(self, routes: Routes) -> None:
        self._faults.watch.routes(routes)

        async def whole() -> None:
            await self.inner.set_routes(routes)

        await self._faults.strike("set routes", whole, whole)

    async def observe(self, environment: EnvironmentId) -> RoutesSeen:
        self._faults.watch.sees_routes(environment, None)
        self._faults.look("the router")
        seen = await self.inner.observe(environment)
        self._faults.watch.sees_routes(environment, seen)
        return seen


class FaultyMetrics:
    def __init__(self, faults: Faults, inner: FakeMetrics) -> None:
        self._faults, self.inner = faults, inner
        self._blind_until: datetime | None = None

    async def read(self, query: Query, revision: RevisionId, window: Window) -> Reading:
        self._faults.crash()
        now, chance = self._faults.clock.now(), self._faults.chance
        if chance.happens(self._faults.weather.blind):
            self._blind_until = now + timedelta(seconds=chance.between(0, 30))
        if self._blind_until is not None and now < self._blind_until:
            return NoData("the metric source does not answer")
        return await self.inner.read(query, revision, window)


class FaultyGatekeeper:
    """Another system, which changes its mind, and often says nothing that can be understood."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def ask(self, gate: WebhookGate, question: Mapping[str, object], at: datetime) -> GateAnswer:
        answer = GateAnswer(self._faults.chance.one((True, True, False, None)), "it feels like it", at)
        self._faults.watch.hears(gate, str(question["rollout"]), answer)
        return answer


class FaultyLog(MemoryEventLog):
    """Appends are lost before, die after, or come second to someone else's."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults.clock)
        self._faults = faults

    async def append(self, stream: str, events: Sequence[Event], after: int) -> list[Recorded]:
        faults = self._faults
        faults.crash()
        if faults.chance.happens(faults.weather.conflict):
            await self._someone_else_appends(stream)
        recorded = await super().append(stream, events, after)
        faults.watch.recorded(recorded)
        faults.vigils.recorded(recorded)
        faults.crash()
        return recorded

    def told(self, stream: str) -> list[Recorded]:
        return self._streams.get(stream, [])

    async def _someone_else_appends(self, stream: str) -> None:
        if not stream.startswith("environment:") or self._faults.chance.happens(0.5):
            kind = self._faults.chance.one((Conflict, LogUnavailable))
            raise kind(f"{stream}: as the weather has it")
        news = EffectFailed("look around", "another server was here", 1)
        self._faults.watch.recorded(await super().append(stream, [news], len(await self.read(stream))))
