"""Platform `kubernetes` on a stage: an API server in memory, controllers, and pods that answer on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import kmock
from tests.adapters.kubernetes.api import Api, kubeconfig
from tests.adapters.kubernetes.controllers import Controllers

from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.login import Access
from headgate.adapters.platforms.kubernetes.platform import KubernetesPlatform
from headgate.adapters.platforms.kubernetes.settings import KubernetesSettings
from headgate.model.checks import Check, Job
from headgate.model.clusters import ClusterRules
from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId
from headgate.model.migrations import Migration
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.rules import Environment
from headgate.model.schema import MigrationOrder
from headgate.model.services import Service, Value
from headgate.testing.contracts.platform import PRODUCTION, Behaviour, Ending

COMMANDS = {"passes": "true", "fails": "echo it cannot; exit 1", "takes long": "sleep 1.2"}
DIGEST = "registry.example.org/pcw/web@sha256:" + "0" * 64


@dataclass
class KubernetesStage:
    folder: Path
    api: Api
    cluster: Cluster
    controllers: Controllers
    rules: ClusterRules
    env: dict[str, Value] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    told: list[EnvironmentId] = field(default_factory=list)
    gone: bool = False  # the environment is in the file no more
    platform: KubernetesPlatform = field(init=False)

    def __post_init__(self) -> None:
        self.platform = self._made()

    def _made(self) -> KubernetesPlatform:
        settings = KubernetesSettings(self.folder / "data", self.folder / "releases")

        async def secrets(revision: Revision, service: str) -> dict[str, str]:
            return self.secrets

        return KubernetesPlatform(settings, self.told.append, self.ruled, secrets)

    def ruled(self, environment: EnvironmentId) -> Environment | None:
        if self.gone:
            return None
        return Environment(environment.partition("/")[2], "kubernetes", cluster=self.rules)

    def revision(
        self, name: str, behaviour: Behaviour = "well", replicas: int = 1, environment: EnvironmentId = PRODUCTION
    ) -> Revision:
        service = Service("web", ("run", behaviour), 8000, image=DIGEST, replicas=replicas, env=self.env)
        (self.folder / "releases" / "rel_1").mkdir(parents=True, exist_ok=True)
        return Revision(RevisionId(f"rev_{name}"), environment, ReleaseId("rel_1"), "c" * 40, name, (service,))

    def job(self, name: str, revision: Revision, ending: Ending) -> Job:
        check = Check("e2e", "run", COMMANDS[ending])
        return Job(JobId(name), revision.environment, revision.id, check, {}, {})

    def order(self, name: str, revision: Revision, ending: str) -> MigrationOrder:
        limit = timedelta(seconds=1) if ending == "never ends" else timedelta(minutes=1)
        return MigrationOrder(JobId(name), revision, "web", Migration(1, ending, "expand", limit))

    async def restart(self) -> None:
        await self.platform.close()
        self.platform = self._made()

    async def kill(self, instance: Instance) -> None:
        await self.controllers.kill(instance.id)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@asynccontextmanager
async def on_stage(folder: Path, **options: object) -> AsyncIterator[KubernetesStage]:
    async with Api() as api, kmock.Server(api):
        path = str(kubeconfig(folder, str(api.url)))
        rules = ClusterRules(kubeconfig=path, create_namespace=True, **options)  # type: ignore[arg-type]
        cluster = Cluster(Access(path))
        controllers = Controllers(cluster)
        controllers.start()
        stage = KubernetesStage(folder, api, cluster, controllers, rules)
        try:
            yield stage
        finally:
            await stage.platform.close()
            await controllers.close()
            await cluster.close()
