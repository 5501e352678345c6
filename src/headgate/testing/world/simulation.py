"""One world from its first release until it has settled."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from headgate.model.commands import Command, Deploy, Refused
from headgate.model.ids import EnvironmentId, RevisionId, RolloutId, application_stream, environment_id
from headgate.model.releases import Revision
from headgate.model.rules import Application
from headgate.ports import Conflict, LogUnavailable
from headgate.testing.fakes.clock import FakeClock
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.platform import Behaviour, FakePlatform
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.world.chance import Chance
from headgate.testing.world.faults import (
    Crash,
    Faults,
    FaultyGatekeeper,
    FaultyLog,
    FaultyMetrics,
    FaultyPlatform,
    FaultyRouter,
    Weather,
    make_weather,
)
from headgate.testing.world.grounds import GroundWatch
from headgate.testing.world.nature import Nature
from headgate.testing.world.people import People
from headgate.testing.world.provisioning import FaultyProvisioner
from headgate.testing.world.scene import Made, make_copies, make_pipeline, on_ground
from headgate.testing.world.settling import at_rest, demand_sense, demand_settled
from headgate.testing.world.story import Story, Violation
from headgate.testing.world.traffic import Users
from headgate.testing.world.vigil import Vigils
from headgate.testing.world.wheels import PlainWheels, Ports, Wheels

NAME, ENGINE = "app", "headgate"
GROUNDED = 0.35  # of worlds have infrastructure
BESIDE = 1_000_000_007  # chances of their own: worlds without it are as they were
MOMENTS = 130  # with faults and commands
PAUSES = (0.2, 0.5, 1, 1, 2, 2, 4)  # seconds between moments
SETTLES_WITHIN = timedelta(minutes=20)  # virtual; the longest chain of deadlines in scene.py is well below
SETTLING_PAUSE = 2.0  # seconds
TOLD = 60  # lines of the story after a violation
AGAIN = "python -m headgate.testing.world --seeds 1 --from"

MakeWheels = Callable[[str, Ports], Wheels]


@dataclass(frozen=True, slots=True)
class Outcome:
    seed: int
    promoted: int
    aborted: int
    turns: int

    @property
    def rollouts(self) -> int:
        return self.promoted + self.aborted


Run = Callable[[Coroutine[Any, Any, Outcome]], Outcome]


class World:
    def __init__(self, seed: int, make_wheels: MakeWheels = PlainWheels) -> None:
        self.seed, self.chance, self.clock = seed, Chance(seed), FakeClock()
        self.story = Story(self.clock.now())
        self.rules = {rules.name: rules for rules in make_pipeline(self.chance)}
        self.environments = [environment_id(NAME, name) for name in self.rules]
        self.releases: list[Made] = []
        self.turns = self.crashes = self._rollouts = 0
        self.watch = GroundWatch(self.story, self._check_passed, self.clock.now)
        self.vigils = Vigils(self.story, self.watch.quarantined, self.clock.now)
        self._build_ports()
        if self.grounds.chance.happens(GROUNDED):
            self.rules = {name: on_ground(self.grounds.chance, rules) for name, rules in self.rules.items()}
        self._make_wheels = make_wheels
        self.wheels = make_wheels(NAME, self.ports)
        self.people, self.nature = People(self), Nature(self)

    def _build_ports(self) -> None:
        weather = make_weather(self.chance)
        self.calm = weather == Weather()
        self.faults = Faults(self.chance, self.clock, self.story, self.watch, self.vigils, weather)
        self.platform, self.router, self.metrics = FakePlatform(self.clock), FakeRouter(), FakeMetrics()
        self.users = Users(self.chance, self.platform, self.router, self.metrics)
        platform, router = FaultyPlatform(self.faults, self.platform, self.meet), FaultyRouter(self.faults, self.router)
        metrics, self.log = FaultyMetrics(self.faults, self.metrics), FaultyLog(self.faults)
        self.grounds = FaultyProvisioner(self.faults, self.seed + BESIDE, self.calm)
        gatekeeper = FaultyGatekeeper(self.faults)
        self.ports = Ports(platform, router, metrics, self.log, self.clock, gatekeeper, self.grounds)

    # --- what the world is made of

    def application(self) -> Application:
        return Application(NAME, "source", "headgate.yaml", tuple(self.rules.values()))

    def revision(self, environment: EnvironmentId, made: Made, configuration: int) -> Revision:
        revision = made.revision(environment, configuration)
        self.users.qualities[revision.id] = made.quality
        self.platform.behaviours.setdefault(revision.id, made.quality.behaviour or Behaviour())
        return revision

    def meet(self, revision: Revision) -> None:
        """A revision that nobody here made is a baseline: a release's code under an id of its own."""
        if revision.id not in self.users.qualities:
            made = next(made for made in self.releases if made.id == revision.release)
            self.users.qualities[revision.id] = made.quality
            self.platform.behaviours[revision.id] = make_copies(self.chance, made.quality)

    def know(self, revision: Revision) -> None:
        """What is stable, once more: on a ground that is to change."""
        if revision.id not in self.users.qualities:
            made = next(made for made in self.releases if made.id == revision.release)
            self.users.qualities[revision.id] = made.quality
            self.platform.behaviours[revision.id] = made.quality.behaviour or Behaviour()

    def new_rollout(self) -> RolloutId:
        self._rollouts += 1
        return RolloutId(f"rol_{self._rollouts}")

    def _check_passed(self, revision: RevisionId, job: str) -> bool:
        """The truth about a check, from the platform itself."""
        tried = [ran for known, (ran, _) in self.platform.jobs.items() if known.startswith(f"{job}-")]
        return any(self.platform.outcome(one) == "passed" for one in tried)

    # --- what people and the pipeline ask

    async def deploy(
        self,
        environment: EnvironmentId,
        made: Made,
        configuration: int,
        by: str,
        hotfix: bool = False,
        glass: bool = False,
    ) -> None:
        revision, pin = self.revision(environment, made, configuration), by != ENGINE and self.chance.happens(0.1)
        why = "it burns" if hotfix or glass else ""
        asked = Deploy(revision, self.new_rollout(), by, why, hotfix, pin, by == ENGINE, glass)
        await self.command(environment, asked)

    async def command(self, environment: EnvironmentId, command: Command) -> None:
        answer = await self.wheels.command(environment, command)
        if isinstance(answer, Refused):
            return
        self.story.tell(self.clock.now(), "%s: %s is accepted", environment, type(command).__name__)

    async def _advance(self) -> None:
        for wanted in await self.wheels.advance():
            made = next(made for made in self.releases if made.id == wanted.release)
            await self.deploy(environment_id(NAME, wanted.environment), made, 1, ENGINE)

    # --- time

    async def live(self) -> Outcome:
        while not self.log.told(application_stream(NAME)):  # people try again: without rules nothing is taken care of
            await self._serve(self.people.begin)
        for _ in range(MOMENTS):
            self.pass_time(self.chance.one(PAUSES))
            await self.faults.let_late_effects_take_hold()
            await self.nature.strike()
            self.grounds.change()
            await self._serve(self.people.act)
            await self._serve(lambda: self._turn(self.chance.some(self.environments, 0.8)))
        await self._settle()
        ledgers = self.watch.ledgers.values()
        return Outcome(self.seed, sum(one.promoted for one in ledgers), sum(one.aborted for one in ledgers), self.turns)

    async def _turn(self, environments: list[EnvironmentId]) -> None:
        for environment in environments:
            self.turns += 1
            await self.wheels.turn(environment)
        await self._advance()

    async def _serve(self, do: Callable[[], Awaitable[None]]) -> None:
        try:
            await do()
        except (Conflict, LogUnavailable) as error:
            self.story.tell(self.clock.now(), "  not recorded: %s", error)
        except Crash:
            await self._restart()

    async def _restart(self) -> None:
        """All memory is lost; what the log says must be what was known."""
        self.crashes += 1
        self.story.tell(self.clock.now(), "  the server is killed and starts again")
        before = {environment: self.wheels.state(environment) for environment in self.environments}
        self.wheels.close()
        self.grounds.server_dies()
        self.wheels = self._make_wheels(NAME, self.ports)
        await self.wheels.remember()
        for environment, state in before.items():
            after = self.wheels.state(environment)
            if after.version == state.version and after != state:
                raise Violation("determinism", f"{environment}: the log folds to another state than it did")

    def pass_time(self, seconds: float) -> None:
        during = timedelta(seconds=seconds)
        now = self.clock.advance(during)
        self.grounds.work()
        for environment in self.environments:
            self.users.send(environment, now, during)

    async def _settle(self) -> None:
        self.faults.weather = Weather()
        self.nature.rest()
        self.grounds.rest()
        await self.faults.let_late_effects_take_hold(all_of_them=True)
        self.story.tell(self.clock.now(), "faults and commands stop")
        until = self.clock.now() + SETTLES_WITHIN
        await self._restart()
        await self.people.rest()
        while self.clock.now() < until:
            await self._turn(self.environments)
            if all(at_rest(self, environment) for environment in self.environments):
                break
            self.pass_time(SETTLING_PAUSE)
        demand_settled(self)
        if self.calm:
            demand_sense(self)


def run_without_a_loop(life: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Nothing in a world waits for anything but its own clock; wheels that do need `asyncio.run` instead."""
    try:
        life.send(None)
    except StopIteration as done:
        outcome: Outcome = done.value
        return outcome
    raise AssertionError("something in this world waits for an event loop")


def simulate(seed: int, make_wheels: MakeWheels = PlainWheels, run: Run = run_without_a_loop) -> Outcome:
    """One world. Raises Violation, with its story."""
    world = World(seed, make_wheels)
    try:
        return run(world.live())
    except Violation as violation:
        violation.story = f"{world.story.last(TOLD)}\n\nAgain: {AGAIN} {seed}"
        raise
