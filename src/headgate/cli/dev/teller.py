"""What becomes of each edit, told as it happens: serves, does not start, crashed and why, when it is tried again."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from headgate.cli.dev.printer import Printer
from headgate.model import events as e
from headgate.model.ids import EnvironmentId, environment_stream
from headgate.model.observations import Instance

LOOK = 0.1  # seconds


class Teller:
    def __init__(self, engine: Any, environment: EnvironmentId, printer: Printer) -> None:
        self.environment = environment
        self._engine, self._printer = engine, printer
        self._version = 0
        self._told: set[tuple[str, int]] = set()  # instance and how often it has died
        self._began = datetime.now(UTC)
        self._shown: dict[str, str] = {}  # service -> its address

    async def tell(self) -> None:
        wheel = self._wheel()
        self._version = wheel.state.version
        while True:
            if wheel.state.version > self._version:
                await self._news(wheel)
            for instance in wheel.seen.instances or ():
                self._crash(instance)
            await asyncio.sleep(LOOK)

    def _wheel(self) -> Any:
        application, name = self.environment.split("/", 1)
        return self._engine.application(application).wheel(name)

    async def _news(self, wheel: Any) -> None:
        for one in await wheel.log.read(environment_stream(self.environment), self._version):
            self._version = one.version
            match one.event:
                case e.RolloutStarted():
                    self._began = one.at
                case e.RevisionPromoted():
                    await self._serves(wheel, one.at)
                case e.RolloutAborted(gave_way_to=None, why=why):
                    self._failed(wheel, why)
                case e.EffectFailed(effect=effect, why=why, attempt=1):
                    self._printer.trouble(f"{effect} failed, is tried again: {why}")

    async def _serves(self, wheel: Any, at: datetime) -> None:
        stable = wheel.state.stable
        listen = wheel.rules.listen if wheel.rules else {}
        asked = {service.name: listen.get(service.name) for service in stable.services}
        found = await wheel.world.routers["envoy"].addresses(self.environment, asked)
        where = {name: address.public for name, address in found.items()}
        self._printer.say(f"{stable.label} serves, {(at - self._began).total_seconds():.1f} s after it was started")
        if where != self._shown:
            self._shown = where
            self._printer.say(*_addresses(where, [name for name in asked if name in listen]))

    def _failed(self, wheel: Any, why: str) -> None:
        stable = wheel.state.stable
        kept = f"{stable.label} goes on" if stable else "nothing serves"
        self._printer.trouble(f"it does not run: {why}", f"{kept}; the next change is tried")

    def _crash(self, instance: Instance) -> None:
        if instance.state != "exited" or (instance.id, instance.restarts) in self._told:
            return
        self._told.add((instance.id, instance.restarts))
        wait = (instance.retry_at - datetime.now(UTC)).total_seconds() if instance.retry_at else 0
        self._printer.trouble(f"{instance.service}: {instance.detail}; started again in {max(wait, 0):.1f} s")


def _addresses(where: dict[str, str], listed: list[str]) -> list[str]:
    """The one to open first: that of the service with a port of its own in the file, else of the first service."""
    first = (listed or list(where))[0]
    others = ", ".join(f"{name} {address}" for name, address in where.items() if name != first)
    return [f"open {where[first]} ({first})", *([f"also {others}"] if others else [])]
