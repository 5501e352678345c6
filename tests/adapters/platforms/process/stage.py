"""A process platform in a temporary folder, with releases of the tiny service."""

import asyncio
import hashlib
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from headgate.adapters.machine.identity import Identity, members
from headgate.adapters.platforms.process import ProcessPlatform, ProcessSettings
from headgate.adapters.platforms.process.records import Record, load
from headgate.model.checks import Check, Job
from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId
from headgate.model.migrations import Migration
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.schema import MigrationOrder
from headgate.model.services import Health, Service, Value
from headgate.testing.contracts.platform import PRODUCTION, Behaviour, Ending

COMMANDS = {
    "passes": "echo fine",
    "fails": "echo 'wrong price'; exit 7",
    "takes long": "sleep 1.2",
    "never ends": "sleep 99",
}
RELEASE = ReleaseId("rel_00000000000a")


@asynccontextmanager
async def staged(folder: Path, **settings: Any) -> AsyncIterator["ProcessStage"]:
    quick = {"grace": timedelta(seconds=2), "first_retry": timedelta(seconds=0.4)}
    made = ProcessStage(folder, **{**quick, **settings})
    try:
        yield made
    finally:
        await made.clear()


class ProcessStage:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = ProcessSettings(data=folder / "data", releases=folder / "releases", **settings)
        self.platform = ProcessPlatform(self.settings)
        source = self.settings.releases / RELEASE / "services" / "web"
        source.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(__file__).with_name("tiny_service.py"), source / "service.py")

    def revision(
        self,
        name: str,
        behaviour: Behaviour | str = "well",
        replicas: int = 1,
        environment: EnvironmentId = PRODUCTION,
        **changes: Any,
    ) -> Revision:
        service = service_of(behaviour, replicas, **changes)
        digest = hashlib.sha256(f"{name} {service}".encode()).hexdigest()[:12]
        return Revision(RevisionId(f"rev_{digest}"), environment, RELEASE, "c" * 40, name, (service,))

    def job(self, name: str, revision: Revision, ending: Ending) -> Job:
        return self.command(name, revision, COMMANDS[ending])

    def command(self, name: str, revision: Revision, run: str, timeout: timedelta = timedelta(minutes=1)) -> Job:
        check = Check("e2e", "run", run, timeout)
        return Job(JobId(name), revision.environment, revision.id, check, {"web": "http://127.0.0.1:1"}, {})

    def order(self, name: str, revision: Revision, ending: str, run: str = "") -> MigrationOrder:
        limit = timedelta(seconds=1) if ending == "never ends" else timedelta(minutes=1)
        return MigrationOrder(JobId(name), revision, "web", Migration(1, run or COMMANDS[ending], "expand", limit))

    async def restart(self) -> None:
        await self.platform.close()
        self.platform = ProcessPlatform(self.settings)

    async def kill(self, instance: Instance) -> None:
        os.kill(self.process(instance.id).pid, signal.SIGKILL)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    # --- what only a process platform has

    def path(self, instance: str, environment: EnvironmentId = PRODUCTION) -> Path:
        return self.settings.data / "environments" / environment / "instances" / f"{instance}.json"

    def record(self, instance: str) -> Record:
        record = load(self.path(instance))
        assert record is not None
        return record

    def process(self, instance: str) -> Identity:
        process = self.record(instance).process
        assert process is not None
        return process

    async def clear(self) -> None:
        """Also what a platform that does not keep its promises leaves."""
        try:
            async with asyncio.timeout(10):
                for environment in (PRODUCTION, EnvironmentId("pcw/staging")):
                    await self.platform.stop_all(environment)
        finally:
            await self.platform.close()
            for pid in processes_below(self.settings.releases):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def service_of(behaviour: str, replicas: int, **changes: Any) -> Service:
    fields: dict[str, Any] = {
        "name": "web",
        "command": ("python", "service.py"),
        "port": 8000,
        "build": "services/web",
        "health": Health("/healthz", interval=timedelta(seconds=0.2)),
        "replicas": replicas,
        "env": {"BEHAVIOUR": Value("plain", behaviour)},
    }
    return Service(**{**fields, **changes})


async def get(instance: Instance, path: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://{instance.address}{path}") as answer:
        return await answer.text()


async def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


def marked(mark: str) -> list[int]:
    """Pids of what lives with this mark."""
    return [process.pid for process in members(mark)]


def processes_below(folder: Path) -> list[int]:
    """Pids of everything that works in a folder of this test."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue
    return found
