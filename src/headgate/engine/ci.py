"""The wheel of one build: remember, look, decide, record, act. It ends with the build."""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from headgate.decide.builds import BuildState, fold_build
from headgate.decide.ci import START, BuildSeen, decide_build, plan_build
from headgate.engine.act import LIMIT, is_due, tried
from headgate.engine.building import Told
from headgate.engine.world import World
from headgate.model import events as e
from headgate.model.builds import Build, StepOrder, StepSeen
from headgate.model.effects import BuildEffect, MakeRelease, StartStep, StopMaking, StopStep
from headgate.model.ids import BuildId, ReleaseId, StepRunId, build_stream
from headgate.ports import AdapterError, Clock, Conflict, EventLog

MAKE = timedelta(minutes=30)  # one attempt to make the release: images are built and pushed

log = logging.getLogger(__name__)


class Others(Protocol):
    """What a build has to know of the builds and releases around it."""

    def room(self, build: Build) -> int: ...

    def superseded(self, build: Build) -> str | None: ...

    def release(self, build: Build) -> ReleaseId | None: ...


@dataclass
class BuildWheel:
    id: BuildId
    world: World
    log: EventLog
    clock: Clock
    others: Others
    make: Callable[[BuildState, Told], Awaitable[None]]  # the release of a build whose steps all passed
    wake: Callable[[str], None]  # its next turn comes at once
    state: BuildState
    seen: BuildSeen = field(default_factory=BuildSeen)

    def __post_init__(self) -> None:
        self._lock = asyncio.Lock()
        self._making: asyncio.Task[e.EffectFailed | None] | None = None  # goes on beside the turns: it may be cancelled
        self._provided: list[e.ImageProvided] = []  # and not yet recorded

    async def close(self) -> None:
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)

    async def remember(self) -> None:
        recorded = await self.log.read(build_stream(self.id), self.state.version)
        self.state = fold_build(self.state, recorded) or self.state

    async def turn(self) -> bool:
        """One turn; True when something happened, so that the next should follow at once."""
        async with self._lock:
            await self.remember()
            if self.state.outcome is not None:
                return False
            # Looked for first: with its release, all news of its making are there.
            release = self.others.release(self.state.build)
            if not await self._record(self._news()):
                return True
            self.seen = await self._look(release)
            events = decide_build(self.state, self.seen, self.clock.now())
            if not await self._record(events):
                return False
            await self._act()
            return bool(events)

    async def cancel(self, by: str, why: str) -> bool:
        """False: it has ended already, or is being cancelled."""
        async with self._lock:
            await self.remember()
            if self.state.outcome is not None or self.state.cancelled_at is not None:
                return False
            return await self._record([e.BuildCancelled(by, why)])

    async def _look(self, release: ReleaseId | None) -> BuildSeen:
        unknown: list[str] = []
        steps: dict[StepRunId, StepSeen | None] = {}
        for run in self.state.runs.values():
            if run.outcome in (None, "lost"):
                await self._look_at(run.step, steps, unknown)
        build = self.state.build
        room, superseded = self.others.room(build), self.others.superseded(build)
        return BuildSeen(steps, tuple(unknown), room, superseded, release, self._making is not None)

    def _news(self) -> list[e.Event]:
        """What came of the making since the last turn."""
        ended = self._making if self._making is not None and self._making.done() else None
        known = self.state.images
        news: list[e.Event] = [
            one for one in self._provided if one.service not in known or one.reference != known[one.service].reference
        ]
        self._provided.clear()
        if ended is not None:
            self._making = None
            failure = None if ended.cancelled() else ended.result()
            news += [failure] if failure else []
        return news

    async def _look_at(self, step: str, steps: dict[StepRunId, StepSeen | None], unknown: list[str]) -> None:
        """What cannot be seen is named, never guessed."""
        name, runner = self.state.run_id(step), self.world.runner(self.state.step(step).image)
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                steps[name] = await runner.observe(name)
        except AdapterError as error:
            unknown.append(f"{step} cannot be seen: {error}")
        except TimeoutError:
            unknown.append(f"{step} cannot be seen: no answer within {LIMIT.total_seconds():.0f} s")

    async def _record(self, events: list[e.Event]) -> bool:
        """Record first. False: someone else wrote, so nothing that was decided here counts."""
        if not events:
            return True
        try:
            recorded = await self.log.append(build_stream(self.id), events, self.state.version)
        except Conflict:
            return False
        self.state = fold_build(self.state, recorded) or self.state
        return True

    async def _act(self) -> None:
        now = self.clock.now()
        # What was recorded a line ago was not looked at yet: the next turn, which follows at once, starts it.
        due = [one for one in plan_build(self.state, self.seen) if is_due(one, self.state, now)]
        soon = [one for one in due if not isinstance(one, MakeRelease)]
        for effect in due:
            if isinstance(effect, MakeRelease):
                self._making = asyncio.create_task(self._attempt(effect), name=f"making of {self.id}")
                self._making.add_done_callback(lambda _: self.wake(self.id))
        failures = await asyncio.gather(*(self._attempt(effect) for effect in soon))
        await self._record([failure for failure in failures if failure])

    async def _attempt(self, effect: BuildEffect) -> e.EffectFailed | None:
        limit = {StartStep: START, MakeRelease: MAKE}.get(type(effect), LIMIT)
        return await tried(effect, self._perform(effect), self.state, limit)

    async def _perform(self, effect: BuildEffect) -> None:
        match effect:
            case StartStep(order=order):
                await self._start(order)
            case StopStep(image=image, id=step, why=why):
                await self.world.runner(image).stop(step, why)
            case MakeRelease():
                await self.make(self.state, self._provided.append)
            case StopMaking() if self._making is not None:
                self._making.cancel()

    async def _start(self, order: StepOrder) -> None:
        """In a fresh checkout: what an attempt that did not get so far has left there is removed."""
        top = self.world.checkouts / order.id
        await asyncio.to_thread(shutil.rmtree, top, ignore_errors=True)
        await self.world.source.checkout(self.state.source, order.build.commit, top / "source", ())
        await self.world.runner(order.step.image).start(order, top / "source")
