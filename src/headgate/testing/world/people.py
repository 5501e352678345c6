"""People: they commit, deploy, approve, pause, change their minds, and lift a quarantine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.events import SignOffVerdict
from headgate.model.ids import EnvironmentId
from headgate.testing.world.scene import (
    PEOPLE,
    make_concurrency,
    make_gates,
    make_glass,
    make_release,
    make_strategy,
    on_ground,
)

if TYPE_CHECKING:
    from headgate.testing.world.simulation import World

RELEASES = 7
COMMITS, DEPLOYS, APPROVES, LIFTS, APPLIES = 0.06, 0.06, 0.10, 0.02, 0.01  # a moment
HURRIES, SIGNS_OFF, PINS, UNPINS = 0.3, 0.03, 0.004, 0.05  # of deployments; each moment
BREAKS_GLASS, FREEZES, UNFREEZES, STOPS_THE_LINE = 0.2, 0.01, 0.05, 0.003  # of deployments; each moment
WITHDRAWS, REJECTS = 0.1, 0.03  # of approvals
MIGRATES, RESTORES = 0.02, 0.003  # each moment
PROVISIONS = 0.03  # each moment
INTERFERES = 0.008  # each kind of command, each moment


class People:
    def __init__(self, world: World) -> None:
        self._world, self._chance = world, world.chance
        self._configuration = 1

    async def begin(self) -> None:
        world = self._world
        await world.wheels.announce(e.SpecificationApplied(world.application(), "ann"))

    async def act(self) -> None:
        if not self._world.releases or self._chance.happens(COMMITS):
            await self._commit()
        if self._chance.happens(APPLIES):
            await self._apply()
        for environment in self._world.environments:
            await self._deploy(environment)
            await self._interfere(environment)
            await self._approve(environment)
            await self._try_out(environment)
            await self._migrate(environment)
            await self._provision(environment)
            await self._freeze(environment)
        await self._stop_the_line()
        if self._chance.happens(LIFTS):
            await self._lift()

    async def _commit(self) -> None:
        world = self._world
        if len(world.releases) == RELEASES:
            return
        made = make_release(self._chance, len(world.releases) + 1, world.releases[-1] if world.releases else None)
        world.story.tell(world.clock.now(), "%s is made: %s", made.id, made.quality.name)
        world.releases.append(made)
        await world.wheels.announce(e.ReleaseAnnounced(made.id, f"v{made.number}", "main"))

    async def _apply(self) -> None:
        """The rules change while rollouts are in flight."""
        world, chance = self._world, self._chance
        name = chance.one(list(world.rules))
        old = world.rules[name]
        changed = replace(old, strategy=make_strategy(chance), gates=make_gates(chance, old.after))
        named = make_glass(chance)
        changed = replace(changed, concurrency=make_concurrency(chance), break_glass=named)
        world.rules[name] = on_ground(world.grounds.chance, changed) if changed.infrastructure else changed
        await world.wheels.announce(e.SpecificationApplied(world.application(), "ann"))

    async def _deploy(self, environment: EnvironmentId) -> None:
        if not self._chance.happens(DEPLOYS):
            return
        recent = self._chance.one(self._world.releases[-2:] if self._chance.happens(0.8) else self._world.releases)
        if self._chance.happens(0.05):
            self._configuration += 1
        by, hotfix = self._chance.one(PEOPLE), self._chance.happens(HURRIES)
        glass = self._chance.happens(BREAKS_GLASS)
        await self._world.deploy(environment, recent, self._configuration, by, hotfix, glass)

    async def _interfere(self, environment: EnvironmentId) -> None:
        world, chance, by = self._world, self._chance, self._chance.one(PEOPLE)
        if chance.happens(INTERFERES):
            await world.command(environment, c.Pause(by))
        if chance.happens(INTERFERES * 4):
            await world.command(environment, c.Resume(by))
        if chance.happens(INTERFERES):
            await world.command(environment, c.Promote(by))
        if chance.happens(INTERFERES):
            await world.command(environment, c.Abort(by))
        if chance.happens(INTERFERES * 2):
            to = f"v{chance.one(world.releases).number}" if chance.happens(0.5) else None
            await world.command(environment, c.Rollback(world.new_rollout(), by, to))

    async def _migrate(self, environment: EnvironmentId) -> None:
        world, chance, by = self._world, self._chance, self._chance.one(PEOPLE)
        if chance.happens(MIGRATES):
            await world.command(environment, c.Migrate(by))
        if chance.happens(RESTORES):
            restored = ("web", chance.one(world.releases).number - 1)
            await world.command(environment, c.Migrate(by, "the backup of last night", restored))

    async def _provision(self, environment: EnvironmentId) -> None:
        """Outside of a rollout, the plan that they were shown."""
        world, chance = self._world, self._world.grounds.chance
        made_from = world.rules[environment.partition("/")[2]].infrastructure
        if made_from and chance.happens(PROVISIONS):
            shown = await world.grounds.at(environment).plan(environment, made_from)
            why = chance.one(("", "the disk is full"))
            await world.command(environment, c.Provision(shown, chance.one(PEOPLE), why, world.new_rollout()))
            if waiting := world.wheels.state(environment).waiting:
                world.know(waiting.revision)

    async def _approve(self, environment: EnvironmentId) -> None:
        waiting = self._world.wheels.state(environment).waiting
        if waiting is not None and self._chance.happens(APPROVES):
            release, by = waiting.revision.release, self._chance.one(PEOPLE)
            await self._world.command(environment, c.Approve(release, by))
            if self._chance.happens(WITHDRAWS):
                await self._world.command(environment, c.Withdraw(release, self._chance.one(PEOPLE)))
            if self._chance.happens(REJECTS):
                await self._world.command(environment, c.Reject(release, by, "not like this"))

    async def _freeze(self, environment: EnvironmentId) -> None:
        world, chance, by = self._world, self._chance, self._chance.one(PEOPLE)
        if chance.happens(FREEZES):
            await world.command(environment, c.Freeze(by, "the sale", self._until()))
        if chance.happens(UNFREEZES):
            await world.command(environment, c.Unfreeze(by))

    async def _stop_the_line(self) -> None:
        world, chance, by = self._world, self._chance, self._chance.one(PEOPLE)
        if chance.happens(STOPS_THE_LINE):
            await world.wheels.stop_the_line(c.Freeze(by, "an incident", self._until()))
        if chance.happens(UNFREEZES):
            await world.wheels.stop_the_line(c.Unfreeze(by))

    def _until(self) -> datetime | None:
        ends = self._world.clock.now() + timedelta(seconds=self._chance.one((3, 10, 30)))
        return self._chance.one((ends, ends, None))

    async def rest(self) -> None:
        """What nobody ends would hold for ever."""
        for environment in self._world.environments:
            await self._world.command(environment, c.Unfreeze("ann"))
        await self._world.wheels.stop_the_line(c.Unfreeze("ann"))

    async def _try_out(self, environment: EnvironmentId) -> None:
        """Hold a release, let go of it, and say what was found of one; people find bad what is good, too."""
        world, chance, by = self._world, self._chance, self._chance.one(PEOPLE)
        if chance.happens(PINS):
            await world.command(environment, c.Pin(by))
        if chance.happens(UNPINS):
            await world.command(environment, c.Unpin(by))
        if chance.happens(SIGNS_OFF):
            verdict: SignOffVerdict = "accepted" if chance.happens(0.8) else "rejected"
            release = chance.one(world.releases).id if chance.happens(0.2) else None
            await world.command(environment, c.SignOff(by, verdict, "the totals", release))

    async def _lift(self) -> None:
        quarantined = list(self._world.wheels.quarantined())
        if quarantined:
            await self._world.wheels.announce(e.QuarantineLifted(self._chance.one(quarantined), "ann", "looked at it"))
