"""The engine's own wheel in the same worlds, with the same watch."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.world.seeds import blocks

from headgate.engine import provisioning
from headgate.engine.wheel import Wheel
from headgate.engine.world import World
from headgate.model.commands import Command, Refused
from headgate.model.freezes import Freeze
from headgate.model.ids import EnvironmentId, ReleaseId
from headgate.model.observations import Place
from headgate.model.rollouts import EnvironmentState, SignOff
from headgate.model.rules import Environment
from headgate.testing.fakes.source import FakeSource
from headgate.testing.world.simulation import simulate
from headgate.testing.world.story import Violation
from headgate.testing.world.wheels import PlainWheels

pytestmark = pytest.mark.timeout(240)  # seconds; a busy machine is not a failure

BLOCK = 10
BLOCKS = 4


class EngineWheels(PlainWheels):
    """The pipeline as in the plain wheels; every environment turned by the engine."""

    def wheel(self, environment: EnvironmentId) -> Wheel:
        known: dict[EnvironmentId, Wheel] = self.__dict__.setdefault("wheels", {})
        if environment not in known:
            ports = self.ports
            world = World(
                {"fake": ports.platform},
                {"fake": ports.router},
                {"fake": ports.metrics},
                FakeSource(),
                Path("/nowhere"),
                gatekeeper=ports.gatekeeper,
                provisioners={"fake": ports.provisioner},
            )
            known[environment] = Wheel(environment, world, ports.log, ports.clock, Around(self))
        return known[environment]

    def state(self, environment: EnvironmentId) -> EnvironmentState:
        return self.wheel(environment).state

    async def _remember(self, environment: EnvironmentId) -> EnvironmentState:
        await self.wheel(environment).remember()
        self.states[environment] = self.state(environment)
        return self.state(environment)

    def close(self) -> None:
        for wheel in self.__dict__.get("wheels", {}).values():
            wheel.close()

    async def turn(self, environment: EnvironmentId) -> None:
        await asyncio.sleep(0)  # plans and applies are tasks beside the wheel
        await self.wheel(environment).turn()
        self.states[environment] = self.state(environment)

    async def command(self, environment: EnvironmentId, command: Command) -> Refused | None:
        refused = await self.wheel(environment).command(command)
        self.states[environment] = self.state(environment)
        return refused


class Around:
    def __init__(self, wheels: PlainWheels) -> None:
        self._wheels = wheels

    def rules(self, environment: EnvironmentId) -> Environment | None:
        return self._wheels.rules(environment)

    def quarantined(self, environment: EnvironmentId) -> Mapping[ReleaseId, str]:
        return self._wheels.quarantined()

    def passed(self, environment: EnvironmentId) -> Mapping[ReleaseId, datetime]:
        return self._wheels.passed(environment)

    def signed_off(self, environment: EnvironmentId) -> dict[str, Mapping[ReleaseId, SignOff]]:
        return self._wheels.signed_off(environment)

    def frozen(self) -> Freeze | None:
        return self._wheels.frozen

    def beside(self, environment: EnvironmentId) -> dict[str, Place]:
        return self._wheels.beside(environment)


@pytest.mark.parametrize("first", blocks(BLOCK, BLOCKS, fast=1))
def test_every_invariant_holds(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning, "PAUSE", timedelta())  # the world has a clock of its own
    rollouts = 0
    for seed in range(first, first + BLOCK):
        try:
            rollouts += simulate(seed, EngineWheels, asyncio.run).rollouts
        except Violation as violation:
            again = f"Turned by the engine: pytest tests/world/test_engine.py -k seeds-{first}-"
            pytest.fail(f"seed {seed}: {violation}\n\n{violation.story}\n{again}", pytrace=False)
    assert rollouts >= 3 * BLOCK
