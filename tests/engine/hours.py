"""Hours of any server in seconds: the real engine on a real log, over fakes, by a clock that a test moves.

On the log of a server that has ended it lives on where that one stopped: what was stable runs again and is asked.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

from headgate.engine.application import Application
from headgate.engine.engine import Engine
from headgate.engine.world import World
from headgate.model import events as e
from headgate.model.ids import environment_stream
from headgate.model.measurements import Query, Sample
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.ports import SecretStore
from headgate.spec.compile import application as compiled
from headgate.spec.read import read
from headgate.store.sqlite import SqliteEventLog
from headgate.testing.fakes.clock import EPOCH, FakeClock
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.platform import FakePlatform
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.fakes.source import FakeSource

STEP = timedelta(seconds=15)
LONG = timedelta(minutes=30)
RATE = 500  # requests per second of each service
GOOD = 0.002  # share of failures
SPREAD = {bucket: 1 + abs(9 - bucket % 19) for bucket in range(40, 80)}  # a histogram as wide as real ones
SOURCE = "/repositories/hours"


class Hours:
    def __init__(self, log: Path, begin: datetime = EPOCH, secrets: Mapping[str, SecretStore] | None = None) -> None:
        self.clock, self.path = FakeClock(begin), log
        self.platform, self.router, self.metrics = FakePlatform(self.clock), FakeRouter(), FakeMetrics()
        self.source, self.failing = FakeSource(), dict[str, float]()  # label of a release -> share of failures
        platforms = dict.fromkeys(("process", "docker", "kubernetes", "ecs"), self.platform)
        seams = (platforms, {"envoy": self.router}, {"envoy": self.metrics})
        self.world = World(*seams, self.source, log.parent / "releases", secrets=secrets or {})
        self.engine: Engine
        self.text = ""

    # --- the server

    async def begin(self) -> None:
        log = await SqliteEventLog(self.path, self.clock).open()
        numbers, lives = count(1), uuid4().hex[:6]
        self.engine = Engine(self.world, log, self.clock, lambda prefix: f"{prefix}_{lives}{next(numbers):06x}")
        await self.engine.start()

    async def end(self) -> None:
        """The control plane, not what runs."""
        await self.engine.stop()
        assert isinstance(self.engine.log, SqliteEventLog)
        await self.engine.log.close()

    async def restart(self) -> None:
        await self.end()
        self.metrics = FakeMetrics(self.metrics.fed)  # counts from its first look on
        self.world = replace(self.world, metrics={"envoy": self.metrics})
        await self.begin()

    async def apply(self, text: str) -> None:
        """The file as it stands, but for the steps of CI, which are not what is tried here."""
        rules = replace(compiled(read(text), SOURCE, "headgate.yaml"), ci=())
        self.text = text
        await self.engine.apply(rules, "ann")

    @property
    def application(self) -> Application:
        (only,) = self.engine.applications.values()
        return only

    # --- what happens

    async def live(self, lasts: timedelta) -> None:
        ends = self.clock.now() + lasts
        while self.clock.now() < ends:
            await self.step()

    async def until(self, there: Callable[[], bool], longest: timedelta = LONG) -> timedelta:
        """How long it took."""
        began = self.clock.now()
        while not there():
            assert self.clock.now() - began < longest, f"not within {longest}"
            await self.step()
        return self.clock.now() - began

    async def step(self) -> None:
        """Users ask, and every wheel turns until nothing follows: the engine's own turns, without its pauses."""
        now = self.clock.advance(STEP)
        for environment in self.application.states():
            self._ask(environment, now)
        turning = [name for name, state in self.application.states().items() if state.version > 0]
        while turning:
            moved = [name for name in turning if await self.application.wheels[name].turn()]
            turning = list(dict.fromkeys((*moved, *await self.application.advance())))

    def _ask(self, name: str, now: datetime) -> None:
        state = self.state(name)
        routes, requests = self.router.routes.get(state.id), RATE * int(STEP.total_seconds())
        known = {one.id: one for one in self.revisions(name)}
        for backend in routes.backends if routes else ():
            one, share = known.get(backend.revision), backend.weight / 100
            for service in one.services if one else ():
                failed = round(requests * share * self.failing.get(one.label, GOOD)) if one else 0
                latency = {b: round(requests * share * part / sum(SPREAD.values())) for b, part in SPREAD.items()}
                sample = Sample(round(requests * share), failed, latency)
                self.metrics.feed(Query(state.id, service.name), backend.revision, now, sample)

    async def commit(self, version: str) -> None:
        """A release, and whatever follows from it by itself."""
        files = {"version.txt": version, "headgate.yaml": self.text}
        made = self.source.commit(SOURCE, files, version, version=version)
        await self.engine.release(self.application.name, made.sha, "ann")

    # --- what is seen

    def state(self, environment: str) -> EnvironmentState:
        return self.application.wheel(environment).state

    def revisions(self, environment: str) -> list[Revision]:
        state = self.state(environment)
        on_trial = state.rollout.revision if state.rollout else None
        return [one for one in (state.stable, on_trial, state.previous) if one]

    def serves(self, environment: str, label: str) -> bool:
        """Alone, with nothing in flight."""
        state = self.state(environment)
        return state.stable is not None and state.stable.label == label and state.rollout is None

    async def events(self, environment: str) -> list[e.Event]:
        recorded = await self.engine.log.read(environment_stream(self.state(environment).id))
        return [one.event for one in recorded]


@asynccontextmanager
async def hours(
    log: Path, begin: datetime = EPOCH, secrets: Mapping[str, SecretStore] | None = None
) -> AsyncIterator[Hours]:
    """`begin`: for a log that is there already, a moment after its last entry. `secrets`: stores by their kind."""
    one = Hours(log, begin, secrets)
    await one.begin()
    try:
        yield one
    finally:
        await one.end()
