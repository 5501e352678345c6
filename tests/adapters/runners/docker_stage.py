"""A docker runner in a temporary folder, with steps in an image made here."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.adapters.runners.image import make
from tests.adapters.runners.stage import HostStage

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.runners.docker import DockerRunner, DockerStepSettings
from headgate.adapters.runners.docker.containers import RUNNER, name, runner_id
from headgate.model.builds import StepContainer, StepOrder
from headgate.model.ids import StepRunId
from headgate.testing.contracts.runner import Ending


class DockerStage(HostStage):
    runner: DockerRunner

    def __init__(self, folder: Path, image: str, secrets: tuple[str, ...] = (), **settings: Any) -> None:
        self.folder, self.secrets, self.image = folder, secrets, image
        self.settings: DockerStepSettings = DockerStepSettings(data=folder / "data", **settings)
        self.changed: list[str] = []
        self.runner = self._made()
        self.engine = DockerEngine()

    def _made(self) -> DockerRunner:
        return DockerRunner(self.settings, lambda: self.secrets, self.changed.append)

    def order(self, ending: Ending | str, attempt: int = 1, **more: Any) -> StepOrder:
        box = {key: more.pop(key) for key in ("user", "memory", "cpus", "processes") if key in more}
        return super().order(ending, attempt, **{"image": self.image, "container": StepContainer(**box), **more})

    def name(self, step: str = "bld_1.test.1") -> str:
        return name(runner_id(self.settings.data), StepRunId(step))

    async def inspect(self, step: str = "bld_1.test.1") -> dict[str, Any]:
        return dict(await self.engine.json("GET", f"/containers/{self.name(step)}/json"))

    async def containers(self) -> list[str]:
        """All that this stage has on the engine, running or not."""
        mine = {"filters": json.dumps({"label": [f"{RUNNER}={runner_id(self.settings.data)}"]}), "all": "1"}
        return [one["Id"] for one in await self.engine.json("GET", "/containers/json", mine)]

    async def clear(self) -> None:
        await self.runner.stop_all()
        await self.runner.close()
        for one in await self.containers():
            await self.engine.json("DELETE", f"/containers/{one}", {"force": "1"}, accept=(404, 409))
        await self.engine.close()

    def elsewhere(self, socket: Path, **settings: Any) -> "DockerStage":
        """The same, with an engine that answers on that socket."""
        made = DockerStage(self.folder / "elsewhere", self.image, self.secrets)
        made.settings = made.settings.model_copy(update={"engine": f"unix://{socket}", **settings})
        made.runner = made._made()
        return made


@asynccontextmanager
async def staged(folder: Path, **settings: Any) -> AsyncIterator[DockerStage]:
    engine = DockerEngine()
    made = DockerStage(folder, await make(engine), **settings)
    await engine.close()
    try:
        yield made
    finally:
        await made.clear()


