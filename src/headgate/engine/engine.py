"""The engine: turns every wheel, wakes them when something happened, and answers commands."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from headgate.decide.builds import BuildState
from headgate.engine.advancing import Advancing
from headgate.engine.application import Application
from headgate.engine.building import Told, draft, draft_of
from headgate.engine.builds import Builds
from headgate.engine.ci import BuildWheel
from headgate.engine.following import Follower
from headgate.engine.line import Line
from headgate.engine.notifying import Notifying
from headgate.engine.proving import shown
from headgate.engine.refusals import Immutable, Rejected, Unknown
from headgate.engine.releasing import PLAIN, Wanted, check
from headgate.engine.releasing import release as made
from headgate.engine.secrets import references, values
from headgate.engine.wheel import Wheel
from headgate.engine.world import World
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.events import SignOffVerdict
from headgate.model.ids import EnvironmentId, ReleaseId, RolloutId, application_stream
from headgate.model.record import SpecificationChanged
from headgate.model.releases import Release, Revision
from headgate.model.rules import Application as Rules
from headgate.model.rules import Environment
from headgate.model.secrets import SecretReference
from headgate.ports import Access, AdapterError, Clock, EventLog, LogUnavailable, Unusable

IN_FLIGHT = timedelta(seconds=0.25)  # between turns while a rollout is under way
WAITING = timedelta(seconds=1)  # while a release waits for its gates
IDLE = timedelta(seconds=5)  # between looks for drift; a change that the platform notices wakes the wheel at once
AT_ONCE = timedelta(milliseconds=10)

log = logging.getLogger(__name__)


@dataclass
class Engine:
    world: World
    log: EventLog
    clock: Clock
    new_id: Callable[[str], str]
    applications: dict[str, Application] = field(default_factory=dict)
    followers: dict[str, Follower] = field(default_factory=dict)  # of each application's source
    _awake: dict[str, asyncio.Event] = field(default_factory=dict)  # by environment id
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _advancing: dict[str, Advancing] = field(default_factory=dict)  # by application

    def __post_init__(self) -> None:
        self.line = Line(self.log, self.clock)
        self.notifying = Notifying(self.world, self.log, self.clock, self.applications)
        self.builds = Builds(self.world, self.log, self.clock, self.new_id, self._release_of, self._is_released)

    async def start(self) -> None:
        prefix = application_stream("")
        await self.line.remember()  # before anything turns
        await self.builds.start()  # before anything follows a source: what is being built is not asked for again
        for stream in await self.log.streams(prefix):
            application = await self._application(stream.removeprefix(prefix))
            await self._advance(application)  # what a crash left undone
            await self.notifying.refresh(application)

    async def stop(self) -> None:
        """The control plane ends; what runs goes on running."""
        await self.builds.stop()
        await self.notifying.stop()
        for task in self._tasks.values():
            task.cancel()
        for task in self._tasks.values():
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        for beside in self._advancing.values():
            beside.close()
        for application in self.applications.values():
            application.configuring.close()
            for wheel in application.wheels.values():
                wheel.close()

    def wake(self, name: str) -> None:
        """Something happened in that environment, or in that build: look at once."""
        if name in self._awake:
            self._awake[name].set()
        self.builds.wake(name)

    async def login(self, name: str, image: str) -> Access | None:
        """What a platform has to show to the registry of an image; None: it is not the application's. AdapterError."""
        rules = self.applications[name].state.specification if name in self.applications else None
        return await self.world.images.login(image, rules.registry) if rules and rules.registry else None

    async def secrets(self, revision: Revision, service: str) -> dict[str, str]:
        """For the platform that starts an instance, and nobody else. Raises AdapterError."""
        rules = self._latest_rules(revision.environment)
        try:
            return await values(self.world, rules, revision, service) if rules else {}
        except AdapterError:
            self.world.unread.add(revision.id)
            raise

    def references(self, revision: Revision, service: str) -> dict[str, SecretReference]:
        """For the platform whose own system reads them. Raises AdapterError."""
        rules = self._latest_rules(revision.environment)
        return references(self.world, rules, revision, service) if rules else {}

    def rules(self, environment: EnvironmentId) -> Environment | None:
        known = self.applications.get(environment.partition("/")[0])
        return known.rules(environment) if known else None

    def _latest_rules(self, environment: EnvironmentId) -> Environment | None:
        """Those too that are gone: what runs there is taken care of."""
        application, _, name = environment.partition("/")
        known = self.applications.get(application)
        wheel = known.wheels.get(name) if known else None
        return self.rules(environment) or (wheel.rules if wheel else None)

    # --- what people ask

    async def apply(self, rules: Rules, by: str, told: SpecificationChanged | None = None) -> Application:
        application = await self._application(rules.name)
        if application.state.specification != rules:
            await application.record([e.SpecificationApplied(rules, by), *([told] if told else [])])
        application.retry()
        self._spin(application)
        await self.notifying.refresh(application)
        self.look(rules.name)
        return application

    async def release(self, name: str, reference: str, by: str, wanted: Wanted = PLAIN) -> Release | BuildWheel:
        """The release of a commit; where the applied rules have CI steps and it is not there yet, its build."""
        application = self.application(name)
        rules = application.state.specification
        if rules is None:
            raise Rejected(f"{name} has no specification; `headgate apply` it first")
        drafted = await draft(rules, reference, self.world, wanted.branch)
        check(drafted, wanted)
        if rules.ci and not wanted.elsewhere and drafted.release not in application.releases:
            return await self.builds.request(rules, drafted, by, wanted)
        release = await made(application, drafted, by, wanted)
        application.retry()
        await self._advance(application)
        return release

    async def _release_of(self, state: BuildState, told: Told) -> None:
        """What a build becomes, all of whose steps passed."""
        build = state.build
        drafted = await draft_of(build, state.source, state.file, self.world)
        try:
            application = self.application(build.application)
            await made(application, drafted, state.by, Wanted(build.branch, only=build.only), told)
        except Immutable as error:
            raise Unusable(str(error)) from error
        except (Rejected, Unknown) as error:  # someone else wrote at the same moment: the next attempt follows
            raise AdapterError(str(error)) from error
        await self._advance(application)

    def _is_released(self, application: str, release: ReleaseId) -> bool:
        return application in self.applications and release in self.applications[application].releases

    def look(self, name: str) -> None:
        """Something may have moved in the source: look at once."""
        self.followers[self.application(name).name].look()

    async def deploy(
        self,
        name: str,
        environment: str,
        reference: str | None,
        by: str,
        why: str = "",
        *,
        hotfix: bool = False,
        break_glass: bool = False,
    ) -> Release:
        """What a person names is pinned: nothing replaces it by itself."""
        application = self.application(name)
        if break_glass and reference is None:
            raise Rejected("breaking the glass names its release: `headgate deploy ENV RELEASE --break-glass`")
        application.wheel(environment)
        release = await application.find(reference) if reference else application.newest(environment)
        revision = await application.revision(environment, release)
        pin = reference is not None
        asked = c.Deploy(revision, self.rollout_id(), by, why, hotfix, pin, break_glass=break_glass)
        await self.command(name, environment, asked)
        return release

    async def sign_off(
        self, name: str, environment: str, reference: str | None, by: str, verdict: SignOffVerdict, note: str
    ) -> Release:
        application = self.application(name)
        stable = application.wheel(environment).state.stable
        if reference is None and stable is None:
            raise Rejected(f"no release is stable in {environment}, so there is nothing to sign off")
        release = await application.find(reference or (stable.release if stable else ""))
        await self.command(name, environment, c.SignOff(by, verdict, note, release.id))
        return release

    async def stop_the_line(self, command: c.Freeze | c.Unfreeze) -> None:
        """Every environment of every application, those too that are applied later. Raises Rejected."""
        await self.line.accept(command)
        for application in self.applications.values():
            for wheel in application.wheels.values():
                self.wake(wheel.environment)

    async def lift(self, name: str, reference: str, by: str, why: str) -> Release:
        application = self.application(name)
        release = application.release(reference)
        if release.id not in application.quarantined(next(iter(application.wheels.values())).environment):
            raise Rejected(f"{release.label} is not quarantined")
        await application.record([e.QuarantineLifted(release.id, by, why)])
        return release

    async def provenance(self, name: str, reference: str) -> dict[str, Any]:
        application = self.application(name)
        release = application.release(reference)
        if application.state.specification is None:
            raise Rejected(f"{name} has no specification; `headgate apply` it first")
        return await shown(release, application.state.specification, self.world, self.log)

    async def command(self, name: str, environment: str, command: c.Command) -> None:
        """Raises Rejected with the reason where it is refused."""
        application = self.application(name)
        wheel = application.wheel(environment)
        if isinstance(command, c.Rollback):
            await application.may_go_back(command.to)
            await application.may_have_its_secrets(environment, command)
            await application.restore(environment, command.to)
        refused = await wheel.command(command)
        self.wake(wheel.environment)
        if refused:
            raise Rejected(refused.why)
        if isinstance(command, c.Unpin | c.SignOff):
            await self._advance(self.application(name))  # what was held back may come now

    def rollout_id(self) -> RolloutId:
        return RolloutId(self.new_id("rol"))

    def application(self, name: str) -> Application:
        if name not in self.applications:
            known = ", ".join(self.applications) or "none yet; `headgate apply` one"
            raise Unknown(f"there is no application {name!r}; known: {known}")
        return self.applications[name]

    # --- what turns by itself

    async def _application(self, name: str) -> Application:
        if name not in self.applications:
            application = Application(name, self.world, self.log, self.clock, self.new_id, self.line)
            await application.remember()
            self.applications[name] = application
            self._spin(application)
        return self.applications[name]

    def _spin(self, application: Application) -> None:
        for wheel in application.wheels.values():
            if wheel.environment not in self._tasks:
                self._awake[wheel.environment] = asyncio.Event()
                self._tasks[wheel.environment] = asyncio.create_task(
                    self._turn_for_ever(application, wheel), context=Context()
                )  # who applied a file does not act in what turns from then on
        if application.name not in self.followers:
            follower = self.followers[application.name] = Follower(application, self.release)
            self._tasks[application_stream(application.name)] = asyncio.create_task(
                follower.follow(), context=Context()
            )

    async def _turn_for_ever(self, application: Application, wheel: Wheel) -> None:
        awake = self._awake[wheel.environment]
        while True:
            awake.clear()
            pause = await self._turn(application, wheel)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await awake.wait()

    async def _turn(self, application: Application, wheel: Wheel) -> timedelta:
        """One turn, whatever goes wrong in it; returns how long to sleep unless woken."""
        try:
            happened = await wheel.turn() if self._concerns_anyone(wheel) else False
            if happened or application.delayed or application.configuring.due() or self._is_behind(application):
                await self._follow(application)
            return min(self._pause(wheel, happened), application.configuring.pause(IDLE))
        except (LogUnavailable, AdapterError) as error:
            log.error("%s: %s", wheel.environment, error)
            return IDLE
        except Exception:
            log.exception("the turn of %s went wrong; it is tried again", wheel.environment)
            return IDLE

    @staticmethod
    def _pause(wheel: Wheel, happened: bool) -> timedelta:
        if happened:
            return AT_ONCE
        if wheel.state.rollout:
            return IN_FLIGHT
        return wheel.pause(WAITING if wheel.state.waiting else IDLE)

    @staticmethod
    def _concerns_anyone(wheel: Wheel) -> bool:
        """An environment in which nothing ever happened is not looked at."""
        return wheel.state.version > 0

    def _is_behind(self, application: Application) -> bool:
        beside = self._advancing.get(application.name)
        return beside is not None and beside.is_behind

    async def _follow(self, application: Application) -> None:
        beside = self._advancing.get(application.name)
        if beside is None:
            beside = self._advancing[application.name] = Advancing(partial(self._advance, application))
        await beside.follow()

    async def _advance(self, application: Application) -> None:
        for environment in await application.advance():
            self.wake(application.wheels[environment].environment)
