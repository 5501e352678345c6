"""The platform itself: what the engine asks for, environment by environment."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.envoy_bridges import write_bridge
from headgate.adapters.machine.folders import environment_folder
from headgate.adapters.machine.jobs import Desk, Jobs
from headgate.adapters.machine.readiness import Prober
from headgate.adapters.machine.spawn import folder_below
from headgate.adapters.platforms.docker import containers
from headgate.adapters.platforms.docker.containers import SERVER, Tag
from headgate.adapters.platforms.docker.fleet import Fleet
from headgate.adapters.platforms.docker.images import Images, LoginOf
from headgate.adapters.platforms.docker.instances import Around
from headgate.adapters.platforms.docker.networks import Networks
from headgate.adapters.platforms.docker.output import read
from headgate.adapters.platforms.docker.settings import DockerSettings
from headgate.adapters.platforms.docker.watch import Watch
from headgate.model.checks import Job, JobSeen
from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.ports import no_login

OnChange = Callable[[EnvironmentId], None]
MACHINE = "this machine"
GONE_PAUSE = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Place:
    """One environment on this machine."""

    around: Around
    fleet: Fleet
    jobs: Jobs


class DockerPlatform:
    def __init__(
        self, settings: DockerSettings, on_change: OnChange | None = None, login: LoginOf = no_login
    ) -> None:
        """`login` says what the application has to show to the registry of an image."""
        self.settings = settings
        self.on_change = on_change  # told as soon as an instance or a job is in another state
        self.server = containers.server_id(settings.data)
        self._engine = DockerEngine(settings.engine)
        self._networks = Networks(self._engine, self.server)
        self._images = Images(self._engine, MACHINE, login, settings.pulling)
        self._prober = Prober()
        self._places: dict[EnvironmentId, Place] = {}
        self._watch = Watch(self._engine, self.server, self._sync, self._heard, self._all_changed)

    async def run(self, revision: Revision) -> None:
        place = await self._place(revision.environment)
        await place.fleet.start_missing(revision)

    async def stop(self, environment: EnvironmentId, revision: RevisionId) -> None:
        place = await self._place(environment)
        await place.fleet.stop(revision)

    async def observe(self, environment: EnvironmentId) -> Sequence[Instance]:
        place = await self._place(environment)
        return place.fleet.instances()

    async def run_job(self, job: Job) -> None:
        """On this machine, as its own user: a check is a command of the file's author, and asks from outside."""
        place = self._opened(job.environment)
        release = place.around.folder.release_of(job.revision)
        source = folder_below(self.settings.releases, release, f"{job.environment}, check {job.check.name}")
        place.jobs.run(job, source)

    async def observe_job(self, environment: EnvironmentId, job: JobId) -> JobSeen | None:
        return self._opened(environment).jobs.seen(job)

    async def logs(
        self, environment: EnvironmentId, service: str | None, lines: int, follow: bool
    ) -> AsyncIterator[str]:
        place = await self._place(environment)
        async for line in read(self._engine, place.fleet, service, lines, follow):
            yield line

    async def stop_all(self, environment: EnvironmentId) -> None:
        """Returns when nothing of the environment runs any more. Asks nobody where nothing ever ran."""
        if not (self.settings.data / "environments" / environment / "revisions").exists():
            return
        place = await self._place(environment)
        await place.fleet.stop(None)
        while place.fleet.slots:
            await asyncio.sleep(GONE_PAUSE)
            await self._watch.require()
        await self._networks.remove(environment)
        write_bridge(self.settings.envoy, environment, None)

    async def close(self) -> None:
        """Look away. All containers and commands go on, and the next platform on the same folder finds them."""
        await self._watch.close()
        for place in self._places.values():
            place.fleet.close()
            place.jobs.close()
        self._places.clear()
        await self._prober.close()
        await self._engine.close()

    async def _place(self, environment: EnvironmentId) -> Place:
        place = self._opened(environment)
        await self._watch.require()
        return place

    def _opened(self, environment: EnvironmentId) -> Place:
        if environment in self._places:
            return self._places[environment]

        def changed() -> None:
            if self.on_change is not None:
                self.on_change(environment)

        settings = self.settings
        containers.scope(self.server, environment)  # refuses a name that fits no container
        folder = environment_folder(settings.data, environment)
        around = Around(settings, self._engine, self.server, folder, self._prober, changed)
        desk = Desk(folder, self._prober, changed, settings.log_bytes, settings.jobs_kept)
        place = Place(around, Fleet(environment, around, self._networks, self._images), Jobs(desk))
        self._places[environment] = place
        return place

    # --- what the engine says

    async def _sync(self) -> None:
        found: dict[EnvironmentId, list[tuple[Tag, str]]] = {environment: [] for environment in self._places}
        query = {"all": "1", "filters": json.dumps({"label": [f"{SERVER}={self.server}"]})}
        for one in await self._engine.json("GET", "/containers/json", query):
            tag = containers.read_labels(one["Labels"])
            # The labels alone are not enough: an image made from one of our containers hands them on.
            if tag is not None and f"/{containers.name(self.server, tag)}" in one["Names"]:
                found.setdefault(tag.environment, []).append((tag, one["Id"]))
        fleets = {environment: self._opened(environment).fleet for environment in found}
        await asyncio.gather(*(fleets[environment].sync(those) for environment, those in found.items()))

    async def _heard(self, container: str, labels: Mapping[str, str]) -> None:
        tag = containers.read_labels(labels)
        if tag is not None and tag.environment in self._places:
            await self._places[tag.environment].fleet.heard(container)

    def _all_changed(self) -> None:
        for place in self._places.values():
            place.around.changed()
