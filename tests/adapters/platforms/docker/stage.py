"""A docker platform in a temporary folder, with releases of the tiny service in an image made here."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.adapters.platforms.docker.images import make

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.platforms.docker import DockerPlatform, DockerSettings
from headgate.adapters.platforms.docker.containers import SERVER
from headgate.adapters.platforms.docker.images import LoginOf
from headgate.model.checks import Check, Job
from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId
from headgate.model.migrations import Migration
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.schema import MigrationOrder
from headgate.model.services import Health, Service, Value
from headgate.ports import no_login
from headgate.testing.contracts.platform import PRODUCTION, STAGING, Behaviour, Ending

COMMANDS = {
    "passes": "echo fine",
    "fails": "echo 'wrong price'; exit 7",
    "takes long": "sleep 1.2",
    "never ends": "sleep 99",
}
RELEASE = ReleaseId("rel_00000000000a")


@asynccontextmanager
async def staged(folder: Path, **settings: Any) -> AsyncIterator["DockerStage"]:
    quick = {"grace": timedelta(seconds=2), "first_retry": timedelta(seconds=0.4)}
    made = await DockerStage(folder, **{**quick, **settings}).imaged()
    try:
        yield made
    finally:
        await made.clear()


class DockerStage:
    def __init__(self, folder: Path, **settings: Any) -> None:
        paths = {"data": folder / "data", "releases": folder / "releases", "envoy": folder / "envoy"}
        self.settings = DockerSettings(**paths, **settings)
        self.login: LoginOf = no_login
        self.platform = DockerPlatform(self.settings)
        self.engine = DockerEngine(self.settings.engine)
        self.image = ""
        (self.settings.releases / RELEASE).mkdir(parents=True, exist_ok=True)

    async def imaged(self) -> "DockerStage":
        self.image = await make(self.engine)
        return self

    def revision(
        self,
        name: str,
        behaviour: Behaviour | str = "well",
        replicas: int = 1,
        environment: EnvironmentId = PRODUCTION,
        **changes: Any,
    ) -> Revision:
        fields: dict[str, Any] = {
            "name": "web",
            "command": (),
            "port": 8000,
            "image": self.image,
            "health": Health("/healthz", interval=timedelta(seconds=0.2)),
            "replicas": replicas,
            "env": {"BEHAVIOUR": Value("plain", behaviour)},
        }
        service = Service(**{**fields, **changes})
        digest = hashlib.sha256(f"{name} {service}".encode()).hexdigest()[:12]
        return Revision(RevisionId(f"rev_{digest}"), environment, RELEASE, "c" * 40, name, (service,))

    def job(self, name: str, revision: Revision, ending: Ending) -> Job:
        check = Check("e2e", "run", COMMANDS[ending], timedelta(minutes=1))
        return Job(JobId(name), revision.environment, revision.id, check, {"web": "http://127.0.0.1:1"}, {})

    def order(self, name: str, revision: Revision, ending: str, run: str = "") -> MigrationOrder:
        limit = timedelta(seconds=1) if ending == "never ends" else timedelta(minutes=1)
        return MigrationOrder(JobId(name), revision, "web", Migration(1, run or COMMANDS[ending], "expand", limit))

    async def restart(self) -> None:
        await self.platform.close()
        self.platform = DockerPlatform(self.settings, login=self.login)

    async def kill(self, instance: Instance) -> None:
        await self.engine.json("POST", f"/containers/{self.name(instance.id)}/kill", {"signal": "SIGKILL"})

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    # --- what only a docker platform has

    def name(self, instance: str, environment: EnvironmentId = PRODUCTION) -> str:
        return f"headgate-{self.platform.server}-{environment.replace('/', '.')}.{instance}"

    async def inspect(self, instance: str) -> dict[str, Any]:
        return dict(await self.engine.json("GET", f"/containers/{self.name(instance)}/json"))

    async def clear(self) -> None:
        """Also what a platform that does not keep its promises leaves. Nothing that is not this stage's."""
        try:
            async with asyncio.timeout(15):
                for environment in (PRODUCTION, STAGING):
                    await self.platform.stop_all(environment)
        finally:
            await self.platform.close()
            await self.sweep()
            await self.engine.close()

    async def sweep(self) -> None:
        label = {"filters": json.dumps({"label": [f"{SERVER}={self.platform.server}"]})}
        for one in await self.engine.json("GET", "/containers/json", {"all": "1", **label}):
            await self.engine.json("DELETE", f"/containers/{one['Id']}", {"force": "1", "v": "1"}, accept=(404, 409))
        for one in await self.engine.json("GET", "/networks", label):
            await self.engine.json("DELETE", f"/networks/{one['Id']}", accept=(403, 404))
        for one in (await self.engine.json("GET", "/volumes", label))["Volumes"] or []:
            await self.engine.json("DELETE", f"/volumes/{one['Name']}", accept=(404, 409))
