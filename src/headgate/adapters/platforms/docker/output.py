"""What an environment's containers wrote: the last lines, then new ones of all of them as they come."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.machine.folders import Folder
from headgate.adapters.machine.logs import last_lines
from headgate.adapters.platforms.docker import containers, logs
from headgate.adapters.platforms.docker.fleet import Fleet
from headgate.ports import AdapterError

NEW_PAUSE = 0.5  # seconds between looks for containers that are new, or run again
WAITING = 1000  # lines that nobody has read yet: after so many the engine waits


async def read(folder: Folder, fleet: Fleet, service: str | None, count: int, follow: bool) -> AsyncIterator[str]:
    began, there = time.time(), fleet.containers(service)
    for name, (engine, container) in there.items():
        async for line in logs.lines(engine, container, count):
            yield f"{name} | {line}"
    for path in _kept(folder, service) if not there else ():
        for line in last_lines(path, count):
            yield f"{path.stem} | {line}"
    if follow:
        async for line in Followed(fleet, service, began).lines():
            yield line


def _kept(folder: Folder, service: str | None) -> list[Path]:
    """The newest of each service whose containers are gone."""
    services = [folder.logs / containers.checked("service", service)] if service else sorted(folder.logs.iterdir())
    kept = [sorted(path.glob("*.log"), key=lambda log: log.stat().st_mtime) for path in services]
    return [found[-1] for found in kept if found]


class Followed:
    """All containers of a service, also those that come later."""

    def __init__(self, fleet: Fleet, service: str | None, since: float) -> None:
        self._fleet, self._service = fleet, service
        self._since = since  # seconds of the epoch
        self._until: dict[str, float] = {}  # container -> when the last of it was read
        self._lines: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self._reading: dict[str, asyncio.Task[None]] = {}

    async def lines(self) -> AsyncIterator[str]:
        try:
            while True:
                self._read_all()
                with suppress(TimeoutError):
                    async with asyncio.timeout(NEW_PAUSE):
                        yield_now = await self._lines.get()
                    yield yield_now
                    while not self._lines.empty():
                        yield self._lines.get_nowait()
        finally:
            for task in self._reading.values():
                task.cancel()
            await asyncio.gather(*self._reading.values(), return_exceptions=True)

    def _read_all(self) -> None:
        for name, (engine, container) in self._fleet.containers(self._service).items():
            if container not in self._reading or self._reading[container].done():
                reading = self._read(engine, name, container)
                self._reading[container] = asyncio.create_task(reading, name=f"follow {name}")

    async def _read(self, engine: DockerEngine, name: str, container: str) -> None:
        since = self._until.get(container, self._since)
        try:
            async for line in logs.new_lines(engine, container, since):
                await self._lines.put(f"{name} | {line}")
        except AdapterError:
            pass  # gone, or the engine is: looked for again
        self._until[container] = time.time()
        await asyncio.sleep(NEW_PAUSE)
