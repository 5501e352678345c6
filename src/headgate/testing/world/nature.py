"""What happens without anyone asking Headgate: deaths, hands on the router and the platform, clocks that jump."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headgate.model.ids import EnvironmentId

if TYPE_CHECKING:
    from headgate.testing.world.simulation import World


class Nature:
    def __init__(self, world: World) -> None:
        self._world, self._chance = world, world.chance

    async def strike(self) -> None:
        world, chance, weather = self._world, self._chance, self._world.faults.weather
        if chance.happens(weather.jumps):
            world.pass_time(chance.between(-3, 8))
        for environment in world.environments:
            if chance.happens(weather.deaths):
                self._kill_one(environment)
            if chance.happens(weather.meddling):
                await self._meddle(environment)
        self._keep_connections_open()

    def _kill_one(self, environment: EnvironmentId) -> None:
        copies = self._world.platform.copies.get(environment)
        if copies:
            victim = self._chance.one(copies).id
            self._world.story.tell(self._world.clock.now(), "%s dies", victim)
            self._world.platform.kill(victim)

    async def _meddle(self, environment: EnvironmentId) -> None:
        """Someone sets weights by hand, or starts a revision that nobody asked for."""
        world, chance = self._world, self._chance
        routes = world.router.routes.get(environment)
        world.story.tell(world.clock.now(), "%s is meddled with", environment)
        if routes and routes.backends and chance.happens(0.5):
            lucky = chance.one(routes.backends).revision
            backends = tuple(replace(b, weight=100 if b.revision == lucky else 0) for b in routes.backends)
            world.router.routes[environment] = replace(routes, backends=backends)
            return
        for made in world.releases[-1:]:
            await world.platform.run(world.revision(environment, made, 1))

    def _keep_connections_open(self) -> None:
        """Requests in flight to a revision, for a while: whoever drains has to wait for them."""
        world, chance = self._world, self._chance
        for environment in world.environments:
            routes = world.router.routes.get(environment)
            for backend in routes.backends if routes else ():
                world.router.active[backend.revision] = chance.one((0, 0, 3))

    def rest(self) -> None:
        self._world.router.active.clear()
