"""From a commit to a container behind Envoy: git, engine, registry with TLS and a login, all of them real."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter

import aiohttp
import pytest
from tests.adapters.platforms.docker import images
from tests.adapters.registries.authority import Authority
from tests.adapters.registries.server import RegistryServer

from headgate import bootstrap
from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.registries.docker.registry import DockerRegistry
from headgate.engine import applying, proving
from headgate.engine.engine import Engine
from headgate.engine.refusals import Rejected
from headgate.model.images import Repository
from headgate.model.releases import Release

pytestmark = [pytest.mark.real("docker-registry", "envoy"), pytest.mark.usefixtures("docker", "login")]
FILE = """\
application: shop
services:
  web: {{build: web, port: 8000, health: {{path: /healthz}}}}
registry:
  docker: {{url: "{url}", ca: {ca}, login_from: REGISTRY_LOGIN}}
environments:
  staging: {{platform: docker, deploy: on-build, strategy: all-at-once}}
"""


class Yard:
    def __init__(self, folder: Path, engine: Engine, server: RegistryServer, ca: Path, base: str) -> None:
        self.folder, self.engine, self.base = folder, engine, base
        self.settings = {"url": server.url, "ca": str(ca), "login_from": "REGISTRY_LOGIN"}
        (folder / "web").mkdir(parents=True)
        (folder / "headgate.yaml").write_text(FILE.format(url=server.url, ca=ca))
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *who, "-C", str(self.folder), *arguments], check=True, capture_output=True)

    def commit(self, version: str, subject: str) -> None:
        (self.folder / "web" / "Dockerfile").write_text(f"FROM {self.base}\nENV VERSION={version}\n")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", subject)
        self.git("tag", version)

    async def apply(self) -> None:
        text = (self.folder / "headgate.yaml").read_text()
        understood = applying.understand(text, "headgate.yaml", str(self.folder), bootstrap.present())
        await applying.apply(self.engine, understood, "ann")

    async def stable(self, release: Release) -> None:
        wheel = self.engine.application("shop").wheel("staging")
        async with asyncio.timeout(60):
            while wheel.state.stable is None or wheel.state.stable.release != release.id or wheel.state.rollout:
                assert not wheel.state.failures, wheel.state.failures
                await asyncio.sleep(0.02)

    async def forget(self, release: Release) -> None:
        """Out of the container engine: the next revision has to pull it, with the registry's login."""
        image = next(one.image for one in release.services) or ""
        name = image.partition("@")[0]
        docker = DockerEngine()
        for one in (image, f"{name}:{release.commit}", f"{name}:{release.version}"):
            await docker.json("DELETE", f"/images/{one}", {"noprune": "1", "force": "1"}, accept=(404, 409))
        assert (await docker.json("GET", f"/images/{image}/json", accept=(404,))).get("Id") is None
        await docker.close()

    async def answer(self) -> int:
        application = self.engine.application("shop")
        addresses = await application.world.routers["envoy"].addresses(
            application.wheel("staging").environment, {"web": None}
        )
        async with aiohttp.ClientSession() as session, session.get(f"{addresses['web'].public}/healthz") as answer:
            return answer.status


@pytest.fixture
async def yard(tmp_path: Path, secured: RegistryServer, authority: Authority) -> AsyncIterator[Yard]:
    docker, data = DockerEngine(), tmp_path / "data"
    base = await images.make(docker)
    await docker.close()
    async with bootstrap.running(data) as engine:
        yield Yard(tmp_path / "shop", engine, secured, authority.file, base)
    await bootstrap.take_down(data)


@pytest.mark.timeout(180)
async def test_a_commit_is_served_from_the_image_that_was_proven(yard: Yard) -> None:
    yard.commit("v1.0", "Sell; touch $(id) `id` \u00e9")
    await yard.apply()
    began = perf_counter()
    release = await yard.engine.release("shop", "v1.0", "ann")
    made = perf_counter() - began
    await yard.stable(release)
    print(f"release made (build, push, read back) in {made:.2f} s, stable after {perf_counter() - began:.2f} s")
    assert await yard.answer() == 200

    registry, web = DockerRegistry(), Repository("shop/web", yard.settings)
    assert await registry.tags(web) == dict.fromkeys((release.commit, "v1.0"), release.images["web"])
    rules = yard.engine.application("shop").state.specification
    assert rules
    shown = await proving.shown(release, rules, yard.engine.world, yard.engine.log)
    assert shown["problem"] is None

    await yard.forget(release)
    yard.git("commit", "--quiet", "--allow-empty", "--message", "Change nothing")
    again = await yard.engine.release("shop", "main", "ann")
    assert (again.id != release.id, again.images) == (True, release.images)
    await yard.stable(again)

    await registry.delete(web, release.images["web"])
    with pytest.raises(Rejected, match=r"image of web, .* is no longer in the registry; make it again: `head"):
        await yard.engine.deploy("shop", "staging", "v1.0", "ann")
    assert await yard.answer() == 200
