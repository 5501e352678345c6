"""Everybody who is told: a courier for each target that the applied rules name, beside the wheels."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from headgate.decide.telling import line, notice_id, notices
from headgate.decide.told import Around
from headgate.engine.application import Application
from headgate.engine.courier import Courier
from headgate.engine.linking import api, page, review
from headgate.engine.refusals import Rejected, Unknown
from headgate.engine.world import World
from headgate.model import events as e
from headgate.model.builds import Build
from headgate.model.ids import SERVER_STREAM, application_stream
from headgate.model.notices import Notice, Target
from headgate.ports import AdapterError, Clock, EventLog

View = dict[str, Any]


class Notifying:
    def __init__(self, world: World, log: EventLog, clock: Clock, applications: Mapping[str, Application]) -> None:
        self._world, self._log, self._clock, self._applications = world, log, clock, applications
        self._couriers: dict[tuple[str, str], Courier] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._awake: dict[tuple[str, str], asyncio.Event] = {}

    async def refresh(self, application: Application) -> None:
        """The targets are those of the rules as applied now."""
        rules = application.state.specification
        targets = rules.targets if rules else {}
        mine = [key for key in self._couriers if key[0] == application.name]
        for key in mine:
            if key[1] not in targets:
                await self._end(key)
        for target in targets.values():
            self._follow(application.name, target)

    async def stop(self) -> None:
        for key in list(self._tasks):
            await self._end(key)

    def couriers(self, application: str) -> list[Courier]:
        return [courier for (name, _), courier in self._couriers.items() if name == application]

    async def test(self, application: str, named: str | None, by: str) -> list[View]:
        """A message to each target, or to the one named. Raises Unknown, Rejected."""
        wanted = self.chosen(application, named)
        told = await asyncio.gather(*(self._tested(one, by) for one in wanted))
        return [{**about(one), "told": not why, "why": why} for one, why in zip(wanted, told, strict=True)]

    def chosen(self, application: str, named: str | None) -> list[Courier]:
        """By id or kind; None: all. Raises Unknown, Rejected."""
        every = self.couriers(application)
        wanted = [one for one in every if named in (None, one.target.id, one.target.kind)]
        if not every:
            raise Rejected(f"{application} tells nobody; name targets under `notifications` of its file")
        if not wanted:
            known = ", ".join(one.target.id for one in every)
            raise Unknown(f"{application} has no target {named!r}; known: {known}")
        return wanted

    def wake(self, courier: Courier) -> None:
        self._awake[courier.application, courier.target.id].set()

    def views(self, application: str) -> list[View]:
        now = self._clock.now()
        return [shown(courier, now) for courier in self.couriers(application)]

    # --- inside

    def _follow(self, application: str, target: Target) -> None:
        key = (application, target.id)
        if key in self._couriers:
            self._couriers[key].target = target  # another choice of kinds
            return
        notifier = self._world.notifiers.get(target.kind)
        if notifier is None:
            return  # refused when it is applied; of an earlier installation

        async def told_of(one: e.Recorded) -> Sequence[Notice]:
            return await self._notices(application, one, target)

        courier = Courier(application, target, notifier, self._log, self._clock, _chance, told_of)
        self._couriers[key], self._awake[key] = courier, asyncio.Event()
        self._tasks[key] = asyncio.create_task(courier.follow(self._awake[key]), name=f"tell {target.id}")

    async def _end(self, key: tuple[str, str]) -> None:
        task = self._tasks.pop(key)
        del self._couriers[key], self._awake[key]
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _tested(self, courier: Courier, by: str) -> str:
        """Why it could not be told; empty: it was."""
        now = self._clock.now()
        ident = notice_id(courier.target.id, now.isoformat(), "test")
        what = line(f"this is a test that {by} asked for: {courier.application} can be told of here")
        place = courier.target.environment
        notice = Notice(ident, "test", "info", now, courier.application, place, what, "nothing happened")
        try:
            await courier.test(replace(notice, link=page(self._world, notice), api=api(self._world, notice)))
        except (AdapterError, Rejected) as error:
            return str(error)
        self.wake(courier)
        return ""

    async def _notices(self, name: str, one: e.Recorded, target: Target) -> Sequence[Notice]:
        application = self._applications[name]
        told = [notice for around in await self._arounds(application, one) for notice in notices(one, around)]
        return [self._linked(application, notice, target) for notice in told]

    def _linked(self, application: Application, notice: Notice, target: Target) -> Notice:
        link = review(self._world, application, notice, target, self._clock.now()) or page(self._world, notice)
        return replace(notice, link=link, api=api(self._world, notice))

    async def _arounds(self, application: Application, one: e.Recorded) -> list[Around]:
        """What the rules say may be news in each environment."""
        if one.stream == application_stream(application.name):
            await _folded(lambda: application.state.version, one)
            if isinstance(one.event, e.SpecificationApplied):
                return [self._here(application, name) for name in application.wheels]
        found = await self._around(application, one)
        return [found] if found else []

    async def _around(self, application: Application, one: e.Recorded) -> Around | None:
        """None: it is nothing of this application's."""
        kind, _, rest = one.stream.partition(":")
        if one.stream == SERVER_STREAM or (kind == "application" and rest == application.name):
            return Around(application.name, releases=application.releases)
        if kind == "build" and isinstance(one.event, e.BuildEnded):
            build = await self._build(one.stream)
            return Around(application.name, build=build) if build and build.application == application.name else None
        owner, _, environment = rest.partition("/")
        if kind != "environment" or owner != application.name or environment not in application.wheels:
            return None
        await _folded(lambda: application.wheels[environment].state.version, one)
        return self._here(application, environment)

    @staticmethod
    def _here(application: Application, environment: str) -> Around:
        wheel = application.wheels[environment]
        rules = wheel.surroundings.rules(wheel.environment)
        signed = wheel.surroundings.signed_off(wheel.environment)
        return Around(application.name, environment, wheel.state, rules, signed, application.releases)

    async def _build(self, stream: str) -> Build | None:
        begun = await self._log.read(stream)
        return next((one.event.build for one in begun if isinstance(one.event, e.BuildRequested)), None)


async def _folded(version: Callable[[], int], one: e.Recorded) -> None:
    """What is recorded is known a moment later to who recorded it: that moment is waited for, and not much more."""
    for _ in range(50):
        if version() >= one.version:
            return
        await asyncio.sleep(0.01)


def about(courier: Courier) -> View:
    target = courier.target
    shown = {"target": target.id, "kind": target.kind, "where": target.where, "to": target.to}
    return {**shown, "environment": target.environment, "on": list(target.on)}


def shown(courier: Courier, now: datetime) -> View:
    state = courier.state
    failing = state.failing_since.isoformat() if state.failing_since else None
    again = courier.due.isoformat() if courier.due and courier.due > now and not state.gone else None
    return {
        **about(courier),
        "delivered": state.delivered,
        "last": state.last.kind if state.last else None,
        "last_at": state.last_at.isoformat() if state.last_at else None,
        "failing_since": failing,
        "failing": state.failing,
        "gone": state.gone,
        "tried_again_at": again,
        "left_out": state.left_out,
        "given_up": state.given_up,
        "trouble": state.trouble,
        "failed": len(state.dead),
    }


def _chance() -> float:
    return secrets.randbelow(1000) / 1000
