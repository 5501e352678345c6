"""Images and steps on a real Docker Engine, while the server is killed or a build is cancelled in the middle."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.registries.server import RegistryServer
from tests.adapters.runners.image import make
from tests.faults.stage import Stage
from tests.faults.test_ci import asked, build

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.runners.docker.containers import runner_id

pytestmark = [pytest.mark.real("dockerd", "docker-registry"), pytest.mark.timeout(120)]
FILE = """\
application: shop
services:
  web: {{build: app, port: 8000}}
registry: {{docker: {{url: "{url}"}}}}
pipeline: {{ci: [{{name: test, run: "{run}", image: "{image}"}}]}}
environments:
  staging: {{platform: docker, deploy: on-request, strategy: all-at-once}}
"""


class Yard:
    """A shop of images, on a stage of its own, whose builds leave a mark in what the engine runs for them."""

    def __init__(self, stage: Stage, engine: DockerEngine, url: str, image: str) -> None:
        self.stage, self.engine, self.url, self.image = stage, engine, url, image
        self.mark = uuid.uuid4().hex

    async def begin(self, run: str = "true", making: float = 0.0) -> None:
        """`making`: seconds that its image takes."""
        folder = self.stage.repository.folder
        (folder / "headgate.yaml").write_text(FILE.format(url=self.url, run=run, image=self.image))
        (folder / "app" / "Dockerfile").write_text(f"FROM {self.image}\nRUN : {self.mark}; sleep {making}\n")
        await self.stage.serve()
        await self.stage.apply()
        self.stage.repository.commit("v1")

    async def made(self, name: str) -> None:
        """Its image is being made: what is sent to the engine lies there."""

        async def there() -> bool:
            view = await build(self.stage, name)
            return "its release, which is being made" in view["waits_for"] and await self.left() != []

        await self.stage.until(there, "the image is being made")

    async def left(self) -> list[str]:
        """What of it is on the engine or on the disk, while it is made."""
        containers: list[dict[str, Any]] = await self.engine.json("GET", "/containers/json", {"all": "1"})
        tars = [path.name for path in (self.stage.data / "images").glob("*.tar")]
        return tars + [one["Command"] for one in containers if self.mark in one["Command"]]

    async def nothing_left(self) -> None:
        async def gone() -> bool:
            return await self.left() == []

        await self.stage.until(gone, "nothing of it is left", 15)


@pytest.fixture
async def yard(stage: Stage, tmp_path: Path) -> AsyncIterator[Yard]:
    registry, engine = RegistryServer(tmp_path / "registry"), DockerEngine()
    yield Yard(stage, engine, registry.url, await make(engine))
    for image in await engine.json("GET", "/images/json"):
        for name in image["RepoTags"] or []:
            if name.startswith(registry.url.removeprefix("http://")):
                await engine.json("DELETE", f"/images/{name}", accept=(404, 409))
    await engine.close()
    registry.stop()


async def test_a_server_that_is_killed_while_it_makes_an_image_makes_it_again(yard: Yard) -> None:
    await yard.begin(making=2)
    name = await asked(yard.stage)
    await yard.made(name)
    yard.stage.kill_server()
    await yard.stage.serve()
    view = await build(yard.stage, name, "passed")
    (image,) = view["images"]
    assert (image["service"], image["made"], view["steps"][0]["attempt"]) == ("web", True, 1)
    assert image["seconds"] >= 2
    assert [one["release"] for one in (await yard.stage.ask("/shop/releases"))["releases"]] == [view["release"]]
    await yard.nothing_left()
    shown = yard.stage.command("builds", name).stdout
    assert f"  image of web was made in {image['seconds']:.1f} s: {image['reference']}\n" in shown


async def test_a_build_that_is_cancelled_while_its_image_is_made_ends_soon(yard: Yard) -> None:
    await yard.begin(making=50)
    name = await asked(yard.stage)
    await yard.made(name)
    began = time.monotonic()
    done = yard.stage.command("builds", name, "--cancel", "--why", "a mistake")
    assert done.returncode == 0, done
    view = await build(yard.stage, name, "cancelled")
    took = time.monotonic() - began
    assert (view["why"], view["release"], view["images"]) == ("a mistake", None, [])
    assert took < 10
    yard.stage.note(f"cancelled within {took:.2f} s")
    await yard.nothing_left()


async def test_a_step_in_a_container_outlives_the_server(yard: Yard) -> None:
    await yard.begin("echo began; sleep 3; echo $HEADGATE_VERSION > out; cat out")
    name = await asked(yard.stage)
    log = yard.stage.data / "runners" / "docker" / "containers" / f"{name}.test.1.log"

    async def printed() -> bool:
        return log.exists() and "began" in log.read_text()

    await yard.stage.until(printed, "the step prints")
    yard.stage.kill_server()
    await asyncio.sleep(0.3)
    await yard.stage.serve()
    view = await build(yard.stage, name, "passed")
    assert view["steps"][0]["attempt"] == 1
    assert yard.stage.command("logs", "--build", name).stdout == "test | began\ntest | v1\n"
    mine = {"filters": json.dumps({"label": [f"headgate.runner={runner_id(yard.stage.data / 'runners' / 'docker')}"]})}
    assert await yard.engine.json("GET", "/containers/json", {**mine, "all": "1"}) == []
