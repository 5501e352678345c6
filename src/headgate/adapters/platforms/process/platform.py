"""The platform itself: what the engine asks for, environment by environment."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field

from headgate.adapters.machine import logs
from headgate.adapters.machine.folders import Folder, environment_folder
from headgate.adapters.machine.jobs import Desk, Jobs
from headgate.adapters.machine.readiness import Prober
from headgate.adapters.machine.spawn import folder_below
from headgate.adapters.platforms.process.fleet import Fleet
from headgate.adapters.platforms.process.instances import Around
from headgate.adapters.platforms.process.migrations import Migrations
from headgate.adapters.platforms.process.settings import ProcessSettings
from headgate.model.checks import Job, JobSeen
from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.schema import MigrationOrder
from headgate.ports import SecretsOf, no_secrets

OnChange = Callable[[EnvironmentId], None]
GONE_PAUSE = 0.05  # seconds
CHUNK = 1 << 18  # bytes of an artifact


@dataclass(slots=True)
class Place:
    """One environment on this machine."""

    folder: Folder
    fleet: Fleet
    jobs: Jobs
    migrations: Migrations
    adopted: bool = False
    adopting: asyncio.Lock = field(default_factory=asyncio.Lock)


class ProcessPlatform:
    def __init__(
        self,
        settings: ProcessSettings,
        on_change: OnChange | None = None,
        secrets: SecretsOf = no_secrets,
        masked: Callable[[], Collection[str]] = lambda: (),
    ) -> None:
        """`masked` is what no log of a check may show."""
        self.settings, self._secrets, self._masked = settings, secrets, masked
        self.on_change = on_change  # told as soon as an instance or a job is in another state
        self._prober = Prober()
        self._places: dict[EnvironmentId, Place] = {}

    async def run(self, revision: Revision) -> None:
        place = await self._place(revision.environment)
        await place.fleet.start_missing(revision)

    async def stop(self, environment: EnvironmentId, revision: RevisionId) -> None:
        place = await self._place(environment)
        place.fleet.stop(revision)

    async def observe(self, environment: EnvironmentId) -> Sequence[Instance]:
        place = await self._place(environment)
        return place.fleet.instances()

    async def version(self, environment: EnvironmentId) -> str:
        machine = os.uname()
        return f"{machine.sysname} {machine.release} ({machine.machine})"

    async def run_job(self, job: Job) -> None:
        place = await self._place(job.environment)
        release = place.folder.release_of(job.revision)
        source = self.settings.source(release)
        source = folder_below(source.parent, source.name, f"{job.environment}, check {job.check.name}")
        await place.jobs.run(job, source)

    async def observe_job(self, environment: EnvironmentId, job: JobId) -> JobSeen | None:
        place = await self._place(environment)
        return place.jobs.seen(job)

    async def migrate(self, order: MigrationOrder) -> None:
        place = await self._place(order.environment)
        await place.migrations.start(order)

    async def observe_migration(self, environment: EnvironmentId, migration: JobId) -> JobSeen | None:
        place = await self._place(environment)
        return place.migrations.seen(migration)

    async def job_log(self, environment: EnvironmentId, job: JobId) -> AsyncIterator[str]:
        place = await self._place(environment)
        for line in await asyncio.to_thread(place.jobs.printed, job):
            yield line

    async def job_file(self, environment: EnvironmentId, job: JobId, name: str) -> AsyncIterator[bytes]:
        place = await self._place(environment)
        with place.jobs.artifact(job, name) as file:
            while part := await asyncio.to_thread(file.read, CHUNK):
                yield part

    async def logs(
        self, environment: EnvironmentId, service: str | None, lines: int, follow: bool
    ) -> AsyncIterator[str]:
        place = await self._place(environment)
        async for line in logs.read(lambda: place.fleet.logs(service), lines, follow):
            yield line

    async def stop_all(self, environment: EnvironmentId) -> None:
        """Returns when nothing of the environment runs any more."""
        place = await self._place(environment)
        place.fleet.stop(None)
        while place.fleet.slots:  # noqa: ASYNC110 - seldom, and simpler than being told
            await asyncio.sleep(GONE_PAUSE)

    async def close(self) -> None:
        """Look away. All instances and commands go on, and the next platform on the same folder finds them."""
        for place in self._places.values():
            place.fleet.close()
            place.jobs.close()
            place.migrations.close()
        self._places.clear()
        await self._prober.close()

    async def _place(self, environment: EnvironmentId) -> Place:
        place = self._places.get(environment) or self._open(environment)
        async with place.adopting:
            if not place.adopted:
                await place.fleet.adopt()
                place.adopted = True
        return place

    def _open(self, environment: EnvironmentId) -> Place:
        def changed() -> None:
            if self.on_change is not None:
                self.on_change(environment)

        folder = environment_folder(self.settings.data, environment)
        around = Around(self.settings, folder, self._prober, changed)
        bounds = (self.settings.log_bytes, self.settings.jobs_kept)
        desk = Desk(folder, self._prober, changed, *bounds, self._masked)
        fleet = Fleet(environment, around, self._ports, self._secrets)
        migrations = Migrations(folder, self.settings, changed, self._secrets, self._masked)
        place = Place(folder, fleet, Jobs(desk), migrations)
        self._places[environment] = place
        return place

    def _ports(self) -> set[int]:
        return set().union(*(place.fleet.ports() for place in self._places.values()))
