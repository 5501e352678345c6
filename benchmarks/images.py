"""From `git commit` to a staging rollout of images that starts, less the time in which Docker builds and pushes.

The one CI step does nothing, so that its checkout, its start and its end are all Headgate's. Each commit changes one of
two services: one image is built of it.
"""

import asyncio
import os
import random
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from tests.adapters.platforms.docker import images
from tests.adapters.registries.conftest import taken_out
from tests.adapters.registries.server import RegistryServer

from benchmarks.docker_door import Door, door
from benchmarks.followed import HEADGATE, Followed
from benchmarks.machine import Neighbours
from benchmarks.processes import started
from benchmarks.report import Missed, facts, quantile, show, spread, write
from headgate.adapters.docker_engine import DockerEngine, socket_path

COMMITS = 20
BAR = 2.0  # seconds, at p99
FILE = """\
application: shop
services:
  a: {{build: a, port: 8000, health: {{path: /healthz}}}}
  b: {{build: b, port: 8000, health: {{path: /healthz}}}}
registry: {{docker: {{url: "{url}"}}}}
pipeline: {{ci: [{{name: test, run: "true"}}]}}
environments:
  staging: {{platform: docker, deploy: on-build, strategy: all-at-once, keep_warm: 0s}}
"""


def run() -> None:
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        print("No Docker Engine answers here: nothing is measured.")
        return
    if not shutil.which("docker-registry"):
        print("There is no docker-registry here: nothing is measured.")
        return
    machine, neighbours = facts(), Neighbours()
    with TemporaryDirectory(prefix="hgb-") as folder:  # a socket's path must be short
        taken = _in(Path(folder))
    others = neighbours.percent()
    own, docker = [one for one, _ in taken], [other for _, other in taken]
    figures = {"Headgate": spread(own), "docker build and push": spread(docker)}
    write("images", machine, {"commits": len(taken), "others_percent": others, "seconds": figures})
    rows = [[name, *one.values()] for name, one in figures.items()]
    title = f"git commit to the start of its rollout, s, {len(taken)} commits (others used {others} %)"
    show(title, ("whose time", "median", "p99", "max"), rows)
    if quantile(own, 0.99) > BAR:
        raise Missed(f"{quantile(own, 0.99):.2f} s at p99 beside Docker's own time, at most {BAR:.0f}")


def _in(folder: Path) -> list[tuple[float, float]]:
    registry = RegistryServer(folder / "registry")
    shop = Followed(folder / "data", folder / "shop")
    try:
        with door(socket_path(), folder / "d.sock") as seen:
            _prepare(shop, registry.url, asyncio.run(_base()))
            given = {**os.environ, "DOCKER_HOST": f"unix://{seen.socket}"}
            with started([HEADGATE, "serve", "--data", str(shop.data), "--port", "0"], folder, given):
                return _measured(shop, seen)
    finally:
        if shop.data.exists():
            shop.take_down()
        registry.stop()
        asyncio.run(taken_out())


async def _base() -> str:
    engine = DockerEngine()
    try:
        return await images.make(engine)
    finally:
        await engine.close()


def _prepare(shop: Followed, url: str, base: str) -> None:
    (shop.folder / "headgate.yaml").write_text(FILE.format(url=url))
    for service in "ab":
        (shop.folder / service).mkdir()
        (shop.folder / service / "Dockerfile").write_text(f"FROM {base}\nCOPY number /\n")
        (shop.folder / service / "number").write_text("0\n")
    shop.commit("a/number", "0\n")


def _measured(shop: Followed, seen: Door) -> list[tuple[float, float]]:
    """Of each commit: the seconds that are Headgate's, and those that are Docker's."""
    shop.apply()
    chance, taken = random.Random(7), []
    for number in range(COMMITS + 2):  # the first two build both services, and push what all stand on
        sleep(chance.random())
        before = len(seen.builds)
        begun = shop.commit(f"{'ab'[number % 2]}/number", f"{number + 1}\n")
        start = shop.rollout()
        docker, built = seen.spent(begun, start), len(seen.builds) - before
        if number >= 2:
            taken.append((start - begun - docker, docker))
            if built != 1:
                raise Missed(f"a commit that changes one service built {built} images")
    return taken
