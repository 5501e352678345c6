"""All builds there are: asked for, turned until they end, and what each has to know of the others."""

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from headgate.decide.builds import BuildState, fold_build
from headgate.engine.building import Draft, Told, release_id
from headgate.engine.ci import BuildWheel
from headgate.engine.refusals import Rejected, Unknown
from headgate.engine.releasing import PLAIN, Wanted
from headgate.engine.world import World
from headgate.model import events as e
from headgate.model.builds import Build
from headgate.model.ids import BuildId, ReleaseId, build_stream
from headgate.model.rules import Application as Rules
from headgate.ports import AdapterError, Clock, EventLog, LogUnavailable

AT_ONCE = timedelta(milliseconds=10)
IN_FLIGHT = timedelta(seconds=0.5)  # a step that ends wakes its build at once
AFTER_TROUBLE = timedelta(seconds=5)
MOST_AT_ONCE = max(2, os.cpu_count() or 1)  # steps of all builds together

log = logging.getLogger(__name__)


@dataclass
class Builds:
    world: World
    log: EventLog
    clock: Clock
    new_id: Callable[[str], str]
    make: Callable[[BuildState, Told], Awaitable[None]]  # the release of a build whose steps all passed
    known: Callable[[str, ReleaseId], bool]  # application, release: whether it is there
    wheels: dict[BuildId, BuildWheel] = field(default_factory=dict)  # oldest first
    _tasks: dict[BuildId, asyncio.Task[None]] = field(default_factory=dict)
    _awake: dict[str, asyncio.Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._asking = asyncio.Lock()

    async def start(self) -> None:
        for stream in await self.log.streams(build_stream(BuildId(""))):
            state = fold_build(None, await self.log.read(stream))
            if state is not None:
                self._spin(state)

    async def stop(self) -> None:
        """The steps go on running; the next server finds them."""
        for task in self._tasks.values():
            task.cancel()
        for task in self._tasks.values():
            with suppress(asyncio.CancelledError):
                await task
        for wheel in self.wheels.values():
            await wheel.close()
        self._tasks.clear()

    def wake(self, name: str) -> None:
        if name in self._awake:
            self._awake[name].set()

    # --- what people ask

    async def request(self, rules: Rules, drafted: Draft, by: str, wanted: Wanted = PLAIN) -> BuildWheel:
        """The build of a commit: the one in flight, else a new one. Which steps it has is bound now."""
        async with self._asking:
            same = [w for w in self._live(rules.name) if w.state.build.commit == drafted.commit.sha]
            if same:
                return same[-1]
            build = await self._build(rules, drafted, wanted)
            asked = e.BuildRequested(build, rules.ci, rules.source, rules.file, by)
            state = fold_build(None, await self.log.append(build_stream(build.id), [asked], after=0))
            if state is None:
                raise Rejected("the build was not recorded; ask for it again")
            for wheel in self._live(rules.name):
                self.wake(wheel.id)  # it may have to give way
            return self._spin(state)

    async def _build(self, rules: Rules, drafted: Draft, wanted: Wanted) -> Build:
        commit = drafted.commit
        branch = wanted.branch or commit.branch
        return Build(
            id=BuildId(self.new_id("bld")),
            application=rules.name,
            commit=commit.sha,
            branch=branch,
            author=commit.author,
            subject=commit.subject,
            version=commit.version,
            requested_at=self.clock.now(),
            only=wanted.only,
            newest=bool(wanted.only) or await self._is_newest(rules.source, branch, commit.sha),
        )

    async def _is_newest(self, source: str, branch: str, sha: str) -> bool:
        try:
            return bool(branch) and (await self.world.source.resolve(source, branch)).sha == sha
        except AdapterError:
            return False

    async def cancel(self, application: str, name: str, by: str, why: str) -> BuildWheel:
        wheel = self.wheel(application, name)
        if not await wheel.cancel(by, why or f"cancelled by {by}"):
            raise Rejected(f"{wheel.id} has ended, or is being cancelled; `headgate builds {wheel.id}` shows how")
        self.wake(wheel.id)
        return wheel

    def wheel(self, application: str, name: str) -> BuildWheel:
        """By its id."""
        wheel = self.wheels.get(BuildId(name))
        if wheel is None or wheel.state.build.application != application:
            latest = ", ".join(one.id for one in self.of(application)[-3:]) or "none"
            raise Unknown(f"{application} has no build {name!r}; the latest: {latest}; `headgate builds` lists them")
        return wheel

    def of(self, application: str) -> list[BuildWheel]:
        """Oldest first."""
        return [wheel for wheel in self.wheels.values() if wheel.state.build.application == application]

    def states(self, application: str) -> list[BuildState]:
        """Oldest first."""
        return [wheel.state for wheel in self.of(application)]

    def _live(self, application: str) -> list[BuildWheel]:
        return [w for w in self.of(application) if w.state.outcome is None and w.state.cancelled_at is None]

    # --- what a build has to know

    def room(self, build: Build) -> int:
        """For steps of any build: whose turn comes first has it."""
        live = (wheel.state for wheel in self.wheels.values() if wheel.state.outcome is None)
        return MOST_AT_ONCE - sum(len(state.running()) for state in live)

    def superseded(self, build: Build) -> str | None:
        """A version is built to its end, whatever its branch goes on to."""
        if build.version is not None or not build.branch:
            return None
        later = (wheel.state.build for wheel in self.of(build.application))
        found = [one for one in later if one.newest and one.branch == build.branch and _later(one, build)]
        return f"{found[-1].id} ({found[-1].label})" if found else None

    def release(self, build: Build) -> ReleaseId | None:
        release = release_id(build.application, build.commit)
        return release if self.known(build.application, release) else None

    # --- turning

    def _spin(self, state: BuildState) -> BuildWheel:
        build = state.build.id
        wheel = BuildWheel(build, self.world, self.log, self.clock, self, self.make, self.wake, state)
        self.wheels[build] = wheel
        if state.outcome is None:
            self._awake[build] = asyncio.Event()
            self._tasks[build] = asyncio.create_task(self._turn_to_the_end(wheel), name=build)
        return wheel

    async def _turn_to_the_end(self, wheel: BuildWheel) -> None:
        awake = self._awake[wheel.id]
        while wheel.state.outcome is None:
            awake.clear()
            pause = await self._turn(wheel)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await awake.wait()
        await asyncio.to_thread(self._sweep, wheel)
        self._awake.pop(wheel.id, None)
        self._tasks.pop(wheel.id, None)

    def _sweep(self, wheel: BuildWheel) -> None:
        """Checkouts of steps that never came to run; the others went with their steps."""
        for run in wheel.state.runs:
            shutil.rmtree(self.world.checkouts / wheel.state.run_id(run), ignore_errors=True)

    async def _turn(self, wheel: BuildWheel) -> timedelta:
        """One turn, whatever goes wrong in it; returns how long to sleep unless woken."""
        try:
            return AT_ONCE if await wheel.turn() else IN_FLIGHT
        except (LogUnavailable, AdapterError) as error:
            log.error("%s: %s", wheel.id, error)
        except Exception:
            log.exception("the turn of %s went wrong; it is tried again", wheel.id)
        return AFTER_TROUBLE


def _later(one: Build, other: Build) -> bool:
    return one.commit != other.commit and one.requested_at > other.requested_at
