"""The platform itself: what the engine asks for, environment by environment."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from headgate.adapters.envoy_bridges import write_bridge
from headgate.adapters.machine.folders import Folder, environment_folder
from headgate.adapters.machine.jobs import Desk, Jobs
from headgate.adapters.machine.readiness import Prober
from headgate.adapters.machine.spawn import folder_below
from headgate.adapters.platforms.docker import containers
from headgate.adapters.platforms.docker.containers import SERVER, Tag
from headgate.adapters.platforms.docker.fleet import Fleet
from headgate.adapters.platforms.docker.images import LoginOf
from headgate.adapters.platforms.docker.instances import Around
from headgate.adapters.platforms.docker.machines import Machine
from headgate.adapters.platforms.docker.migrations import Migrations
from headgate.adapters.platforms.docker.output import read
from headgate.adapters.platforms.docker.seats import Seats
from headgate.adapters.platforms.docker.settings import DockerSettings
from headgate.adapters.platforms.docker.spread import Spread, remember, spread
from headgate.model.checks import Job, JobSeen
from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.rules import ContainerHost, Environment
from headgate.model.schema import MigrationOrder
from headgate.ports import AdapterError, SecretsOf, no_login, no_rules, no_secrets

OnChange = Callable[[EnvironmentId], None]
RulesOf = Callable[[EnvironmentId], Environment | None]
GONE_PAUSE = 0.05  # seconds
CHUNK = 1 << 18  # bytes of an artifact


@dataclass(frozen=True, slots=True)
class Place:
    """One environment."""

    folder: Folder
    fleet: Fleet
    jobs: Jobs
    changed: Callable[[], None]
    migrations: Migrations
    arounds: dict[ContainerHost, Around]  # one for each machine it is, or was on
    away: list[str] = field(default_factory=list)  # a sentence for each machine that cannot be seen


class DockerPlatform:
    def __init__(
        self,
        settings: DockerSettings,
        on_change: OnChange | None = None,
        login: LoginOf = no_login,
        rules: RulesOf = no_rules,
        secrets: SecretsOf = no_secrets,
        masked: Callable[[], Collection[str]] = lambda: (),
    ) -> None:
        """`login` says what the application has to show to the registry of an image; `rules`, what is applied now.

        `masked` is what no log of a check may show.
        """
        self.settings = settings
        self.on_change = on_change  # told as soon as an instance or a job is in another state
        self.server = containers.server_id(settings.data)
        self._login, self._rules, self._secrets = login, rules, secrets
        self._masked = masked
        self._prober = Prober()
        self._places: dict[EnvironmentId, Place] = {}
        self._machines: dict[ContainerHost, Machine] = {}

    async def run(self, revision: Revision) -> None:
        place = await self._place(revision.environment)
        await place.fleet.start_missing(revision)

    async def stop(self, environment: EnvironmentId, revision: RevisionId) -> None:
        place = await self._place(environment)
        await place.fleet.stop(revision)

    async def observe(self, environment: EnvironmentId) -> Sequence[Instance]:
        place = await self._place(environment)
        return place.fleet.instances()

    def unseen(self, environment: EnvironmentId) -> Sequence[str]:
        return tuple(self._opened(environment).away)

    async def version(self, environment: EnvironmentId) -> str:
        """Of the engines of all its machines. Raises AdapterError where one is away."""
        place = await self._place(environment)
        told = [await one.machine.engine.json("GET", "/version") for one in place.arounds.values()]
        return ", ".join(sorted({f"Docker {one['Version']} ({one['Os']}/{one['Arch']})" for one in told}))

    async def run_job(self, job: Job) -> None:
        """On this machine, as its own user: a check is a command of the file's author, and asks from outside."""
        place = self._opened(job.environment)
        release = place.folder.release_of(job.revision)
        source = folder_below(self.settings.releases, release, f"{job.environment}, check {job.check.name}")
        await place.jobs.run(job, source)

    async def observe_job(self, environment: EnvironmentId, job: JobId) -> JobSeen | None:
        return self._opened(environment).jobs.seen(job)

    async def migrate(self, order: MigrationOrder) -> None:
        """In a container of its own, on the first machine that answers."""
        place = await self._place(order.environment)
        await place.migrations.start(order)

    async def observe_migration(self, environment: EnvironmentId, migration: JobId) -> JobSeen | None:
        place = await self._place(environment)
        return await place.migrations.seen(migration)

    async def job_log(self, environment: EnvironmentId, job: JobId) -> AsyncIterator[str]:
        place = self._opened(environment)
        for line in await asyncio.to_thread(place.jobs.printed, job):
            yield line

    async def job_file(self, environment: EnvironmentId, job: JobId, name: str) -> AsyncIterator[bytes]:
        place = self._opened(environment)
        with place.jobs.artifact(job, name) as file:
            while part := await asyncio.to_thread(file.read, CHUNK):
                yield part

    async def logs(
        self, environment: EnvironmentId, service: str | None, lines: int, follow: bool
    ) -> AsyncIterator[str]:
        place = await self._place(environment)
        async for line in read(place.folder, place.fleet, service, lines, follow):
            yield line

    async def stop_all(self, environment: EnvironmentId) -> None:
        """Returns when nothing of the environment runs any more. Asks nobody where nothing ever ran."""
        if not (self.settings.data / "environments" / environment / "revisions").exists():
            return
        place = await self._place(environment)
        await place.fleet.stop(None)
        machines = [around.machine for around in place.arounds.values()]
        while place.fleet.slots:
            await asyncio.sleep(GONE_PAUSE)
            await asyncio.gather(*(machine.require() for machine in machines))
        await asyncio.gather(*(machine.networks.remove(environment) for machine in machines))
        write_bridge(self.settings.envoy, environment, None)

    async def remove_data(self, environment: EnvironmentId) -> None:
        """The volumes of an environment that was stopped altogether. Nobody but demos and tests asks for it."""
        place = self._places.get(environment)
        volume = f"/volumes/{containers.scope(self.server, environment)}"
        for around in place.arounds.values() if place else ():
            await around.machine.engine.json("DELETE", volume, accept=(404,))

    async def close(self) -> None:
        """Look away. All containers and commands go on, and the next platform on the same folder finds them."""
        machines, places = list(self._machines.values()), list(self._places.values())
        await asyncio.gather(*(machine.watch.close() for machine in machines))
        for place in places:
            place.fleet.close()
            place.jobs.close()
            place.migrations.close()
        self._places.clear()
        self._machines.clear()
        await self._prober.close()
        await asyncio.gather(*(machine.close() for machine in machines))

    # --- environments, and the machines they are on

    async def _place(self, environment: EnvironmentId) -> Place:
        """What is known of it is true, except of machines that are away. Raises AdapterError where all are."""
        place = self._opened(environment)
        known = spread(self._rules(environment), place.folder)
        arounds = {host: self._around(place, host) for host in known.all}
        hosts = [arounds[host] for host in known.hosts]
        place.fleet.seats = Seats(tuple(hosts), known.server)
        results = await asyncio.gather(*(one.machine.require() for one in arounds.values()), return_exceptions=True)
        wrong = {host: error for host, error in zip(arounds, results, strict=True) if error is not None}
        for error in wrong.values():
            if not isinstance(error, AdapterError):
                raise error
        for host in wrong:
            place.fleet.recall(arounds[host])
        self._take_leave(place, known, wrong)
        await self._close_unused()
        place.away[:] = [str(error) for host, error in wrong.items() if host in place.arounds]
        if wrong.keys() >= set(known.hosts):
            raise AdapterError("; ".join(str(wrong[host]) for host in known.hosts))
        return place

    @staticmethod
    def _take_leave(place: Place, known: Spread, away: Collection[ContainerHost]) -> None:
        """Of machines that the file names no more: once they are empty, or at once where they do not answer."""
        left = []
        for host in known.leaving:
            around = place.arounds.get(host)
            if around is None:
                continue  # another turn did it meanwhile
            if host in away:
                place.fleet.forget(around)
            if place.fleet.on(around):
                left.append(host)
            else:
                del place.arounds[host]
        remember(Spread(known.hosts, known.server, tuple(left)), place.folder)

    async def _close_unused(self) -> None:
        used = {host for place in self._places.values() for host in place.arounds}
        for host in [host for host in self._machines if host not in used]:
            await self._machines.pop(host).close()

    def _opened(self, environment: EnvironmentId) -> Place:
        if environment in self._places:
            return self._places[environment]

        def changed() -> None:
            if self.on_change is not None:
                self.on_change(environment)

        settings = self.settings
        containers.scope(self.server, environment)  # refuses a name that fits no container
        folder = environment_folder(settings.data, environment)
        desk = Desk(folder, self._prober, changed, settings.log_bytes, settings.jobs_kept, self._masked)
        fleet = Fleet(environment, self._secrets)
        arounds: dict[ContainerHost, Around] = {}
        known = lambda: {around.machine.place: around for around in arounds.values()}  # noqa: E731 - it changes
        migrations = Migrations(folder, fleet, self._secrets, self._masked, known)
        self._places[environment] = Place(folder, fleet, Jobs(desk), changed, migrations, arounds)
        return self._places[environment]

    def _around(self, place: Place, host: ContainerHost) -> Around:
        if host not in place.arounds:
            machine = self._machine(host)
            place.arounds[host] = Around(
                self.settings, machine, self.server, place.folder, self._prober, place.changed
            )
        return place.arounds[host]

    def _machine(self, host: ContainerHost) -> Machine:
        if host not in self._machines:
            self._machines[host] = Machine(
                host, self.settings, self.server, self._login, self._sync, self._heard, self._all_changed
            )
        return self._machines[host]

    # --- what the engines say

    async def _sync(self, machine: Machine) -> None:
        found: dict[EnvironmentId, list[tuple[Tag, str]]] = {
            environment: [] for environment, place in self._places.items() if machine.host in place.arounds
        }
        query = {"all": "1", "filters": json.dumps({"label": [f"{SERVER}={self.server}"]})}
        for one in await machine.engine.json("GET", "/containers/json", query):
            tag = containers.read_labels(one["Labels"])
            # The labels alone are not enough: an image made from one of our containers hands them on.
            named = tag is not None and f"/{containers.name(self.server, tag)}" in one["Names"]
            if tag is not None and named and tag.place == machine.place:
                found.setdefault(tag.environment, []).append((tag, one["Id"]))
        places = [self._opened(environment) for environment in found]
        both = zip(places, found.values(), strict=True)
        await asyncio.gather(*(one.fleet.sync(self._around(one, machine.host), those) for one, those in both))

    async def _heard(self, container: str, labels: Mapping[str, str]) -> None:
        tag = containers.read_labels(labels)
        if tag is not None and tag.environment in self._places:
            await self._places[tag.environment].fleet.heard(container)

    def _all_changed(self) -> None:
        for place in self._places.values():
            place.changed()
