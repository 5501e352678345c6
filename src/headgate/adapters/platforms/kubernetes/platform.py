"""The platform itself: what the engine asks for, environment by environment."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass

from headgate.adapters.kubernetes.cluster import Cluster, Clusters, Objects
from headgate.adapters.kubernetes.kinds import DEPLOYMENT
from headgate.adapters.kubernetes.names import REVISION, environment_labels, selector
from headgate.adapters.machine.folders import Folder, environment_folder
from headgate.adapters.machine.jobs import Desk, Jobs
from headgate.adapters.machine.readiness import Prober
from headgate.adapters.machine.spawn import folder_below
from headgate.adapters.platforms.kubernetes import logs
from headgate.adapters.platforms.kubernetes.applying import (
    OF_ENVIRONMENTS,
    ROUTES,
    apply_all,
    begun,
    ensure_namespace,
    remove,
)
from headgate.adapters.platforms.kubernetes.making import Making
from headgate.adapters.platforms.kubernetes.manifests.beside import Beside
from headgate.adapters.platforms.kubernetes.manifests.parts import Told, revised
from headgate.adapters.platforms.kubernetes.manifests.provided import Provided, beside_of
from headgate.adapters.platforms.kubernetes.migrations import Migrations
from headgate.adapters.platforms.kubernetes.objects import described, known
from headgate.adapters.platforms.kubernetes.place import Place, place_of, remember, remembered, rules_of
from headgate.adapters.platforms.kubernetes.scaling import held
from headgate.adapters.platforms.kubernetes.settings import KubernetesSettings
from headgate.adapters.platforms.kubernetes.sight import Sight
from headgate.model.checks import Job, JobSeen
from headgate.model.clusters import ClusterRules, Drift
from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.rules import Environment
from headgate.model.schema import MigrationOrder
from headgate.ports import AdapterError, ReferencesOf, SecretsOf, no_references, no_rules, no_secrets

OnChange = Callable[[EnvironmentId], None]
RulesOf = Callable[[EnvironmentId], Environment | None]
GONE_PAUSE = 0.1  # seconds
CHUNK = 1 << 18  # bytes of an artifact


@dataclass(frozen=True, slots=True)
class Here:
    """One environment, where it is now."""

    place: Place
    cluster: Cluster
    sight: Sight
    beside: Beside  # what a team's manifests have beside the services


class KubernetesPlatform:
    def __init__(
        self,
        settings: KubernetesSettings,
        on_change: OnChange | None = None,
        rules: RulesOf = no_rules,
        secrets: SecretsOf = no_secrets,
        references: ReferencesOf = no_references,
        masked: Callable[[], Collection[str]] = lambda: (),
    ) -> None:
        """`rules` is what is applied now; `masked` is what no log of a check may show."""
        self.settings = settings
        self.on_change = on_change
        self._rules, self._masked = rules, masked
        self._making = Making(secrets, references)
        self._provided = Provided(settings.releases)
        self._migrations = Migrations(self._making)
        self._clusters, self._prober = Clusters(), Prober()
        self._here: dict[EnvironmentId, Here] = {}
        self._jobs: dict[EnvironmentId, Jobs] = {}

    async def run(self, revision: Revision) -> None:
        """Applied anew each time: what is as it should be is not touched by that, and is written nowhere."""
        rules = self._ruled(revision.environment)
        here = await self._begun(revision, rules)
        for objects in await self._objects(here, revision, rules):
            for object in await apply_all(here.cluster, objects, rules.heal):
                here.sight.put(await begun(here.cluster, object) if object["kind"] == DEPLOYMENT.name else object)

    async def stop(self, environment: EnvironmentId, revision: RevisionId) -> None:
        here = await self._at(environment)
        await here.beside.retire(revision)
        for object in await remove(here.cluster, here.place, {REVISION: revision}):
            here.sight.gone(object)

    async def observe(self, environment: EnvironmentId) -> Sequence[Instance]:
        here = await self._at(environment)
        return here.sight.instances()

    def drift(self, environment: EnvironmentId) -> Sequence[Drift]:
        """Of the last look."""
        here = self._here.get(environment)
        return here.sight.drift(self._ruled(environment).heal) if here else ()

    async def version(self, environment: EnvironmentId) -> str:
        return await (await self._at(environment)).cluster.version()

    async def run_job(self, job: Job) -> None:
        """On this server, as its own user: a check is a command of the file's author, and asks from outside."""
        release = self._folder(job.environment).release_of(job.revision)
        source = folder_below(self.settings.releases, release, f"{job.environment}, check {job.check.name}")
        await self._desk(job.environment).run(job, source)

    async def observe_job(self, environment: EnvironmentId, job: JobId) -> JobSeen | None:
        return self._desk(environment).seen(job)

    async def job_log(self, environment: EnvironmentId, job: JobId) -> AsyncIterator[str]:
        for line in await asyncio.to_thread(self._desk(environment).printed, job):
            yield line

    async def job_file(self, environment: EnvironmentId, job: JobId, name: str) -> AsyncIterator[bytes]:
        with self._desk(environment).artifact(job, name) as file:
            while part := await asyncio.to_thread(file.read, CHUNK):
                yield part

    async def migrate(self, order: MigrationOrder) -> None:
        rules = self._ruled(order.environment)
        here = await self._begun(order.revision, rules)
        await self._migrations.start(here.cluster, here.place, order, rules)

    async def observe_migration(self, environment: EnvironmentId, migration: JobId) -> JobSeen | None:
        here = await self._at(environment)
        return await self._migrations.seen(here.cluster, here.place, migration)

    async def logs(
        self, environment: EnvironmentId, service: str | None, lines: int, follow: bool
    ) -> AsyncIterator[str]:
        here = await self._at(environment)
        async for line in logs.read(here.cluster, here.place, here.sight, service, lines, follow):
            yield line

    async def stop_all(self, environment: EnvironmentId) -> None:
        """Returns when nothing of the environment is there. Its namespace stays: others may have things in it."""
        if remembered(self._folder(environment)) is None:
            return
        here = await self._at(environment)
        await remove(here.cluster, here.place, {}, ROUTES)  # first: nobody is led to what is about to go
        await here.beside.retire_all()
        while await remove(here.cluster, here.place, {}, OF_ENVIRONMENTS) or here.sight.pods.objects:
            await asyncio.sleep(GONE_PAUSE)
            await here.sight.current()

    async def close(self) -> None:
        """Look away. Everything goes on, and the next platform finds it by its labels."""
        places, self._here = list(self._here.values()), {}
        await asyncio.gather(*(one.sight.close() for one in places))
        for jobs in self._jobs.values():
            jobs.close()
        self._jobs.clear()
        await self._prober.close()
        await self._clusters.close()

    async def _objects(self, here: Here, revision: Revision, rules: ClusterRules) -> list[Objects]:
        """By service, each ready for what the revisions beside it carry."""
        every = await self._parts(here, revision, rules)
        pairs = zip(revision.services, every, strict=True)
        return [known(held(objects, here.sight.beside(service.name, revision.id))) for service, objects in pairs]

    async def _parts(self, here: Here, revision: Revision, rules: ClusterRules) -> list[Objects]:
        """What stands beside the services is there before they are."""
        made = [await self._making.objects(here.cluster, here.place, revision, one, rules) for one in revision.services]
        applied = self._rules(revision.environment)
        team = await self._provided.parts(revision, here.place.namespace, applied)
        if team is None:
            return made
        counted = set(applied.replicas) if applied is not None else set()
        pairs = zip(revision.services, made, strict=True)
        own = [revised(team, one, objects, Told(one.name in counted, described)) for one, objects in pairs]
        await here.beside.apply(revision.id, beside_of(team, revision, here.place.namespace))
        return own

    # --- where an environment is

    async def _begun(self, revision: Revision, rules: ClusterRules) -> Here:
        """Ready for something to be made there."""
        here, folder = await self._at(revision.environment), self._folder(revision.environment)
        before = remembered(folder)
        if before is not None and before != here.place:
            await self._refuse_to_move(before, here.place)
        remember(here.place, folder)
        folder.remember_release(revision.id, revision.release)
        if rules.create_namespace:
            await ensure_namespace(here.cluster, here.place)
        return here

    async def _refuse_to_move(self, before: Place, place: Place) -> None:
        """What runs elsewhere would go on there, seen by nobody."""
        cluster, own = self._clusters.of(before.access), selector(environment_labels(before.environment))
        left, _ = await cluster.list(DEPLOYMENT, before.namespace, own)
        if left:
            what = f"{place.environment} still has {len(left)} Deployments in {before}, and the file now names {place}"
            remedy = "write the former place back, or move by way of a second environment and take this one out"
            raise AdapterError(f"{what}: {remedy}")

    async def _at(self, environment: EnvironmentId) -> Here:
        """What is seen of it is current. Raises AdapterError where its cluster does not tell."""
        place = self._place(environment)
        here = self._here.get(environment)
        if here is None or here.place != place:
            cluster = self._clusters.of(place.access)
            sight = Sight(cluster, place, lambda: self._changed(environment))
            self._here[environment] = Here(place, cluster, sight, Beside(cluster, environment, place.namespace))
            if here is not None:
                await here.sight.close()
            here = self._here[environment]
        await here.sight.current()
        return here

    def _place(self, environment: EnvironmentId) -> Place:
        rules = self._rules(environment)
        known = remembered(self._folder(environment)) if rules is None else None
        return known or place_of(environment, rules_of(rules))

    def _ruled(self, environment: EnvironmentId) -> ClusterRules:
        return rules_of(self._rules(environment))

    def _folder(self, environment: EnvironmentId) -> Folder:
        return environment_folder(self.settings.data, environment)

    def _desk(self, environment: EnvironmentId) -> Jobs:
        if environment not in self._jobs:
            settings, folder = self.settings, self._folder(environment)
            changed = lambda: self._changed(environment)  # noqa: E731 - of this environment
            desk = Desk(folder, self._prober, changed, settings.log_bytes, settings.jobs_kept, self._masked)
            self._jobs[environment] = Jobs(desk)
        return self._jobs[environment]

    def _changed(self, environment: EnvironmentId) -> None:
        if self.on_change is not None:
            self.on_change(environment)
