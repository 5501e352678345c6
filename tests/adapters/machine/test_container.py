"""Checks in containers: what they are given, what they leave, and how they end."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.adapters.machine.checked import CANARY, Bench, open_shop
from tests.adapters.runners.image import make

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.machine.checks.container import CHECK, UNTIL, sweep

pytestmark = pytest.mark.real("dockerd")

TEST = '<testsuite><testcase name=\\"a\\"/>{inside}</testsuite>'


class Box:
    def __init__(self, bench: Bench, engine: DockerEngine, image: str) -> None:
        self.bench, self.engine, self.image = bench, engine, image

    async def ran(self, run: str, url: str = "http://127.0.0.1:1", **fields: Any) -> tuple[str, str]:
        seen = await self.bench.ran(run, url, **{"image": self.image, **fields})
        self.kept, self.numbers, self.log = seen.artifacts, seen.numbers, self.bench.jobs.log(seen.id).read_text()
        return seen.state, seen.detail

    async def containers(self) -> list[str]:
        """Of checks, as one of another server's is its own business, of this one."""
        mine = {"all": "1", "filters": json.dumps({"label": [f"{CHECK}=rol_1-2-1"]})}
        return [str(one["Id"]) for one in await self.engine.json("GET", "/containers/json", mine)]


@pytest.fixture
async def box(bench: Bench) -> AsyncIterator[Box]:
    engine = DockerEngine()
    yield Box(bench, engine, await make(engine))
    await engine.close()


async def test_it_runs_in_a_copy_of_the_release_and_what_it_leaves_is_kept(box: Box) -> None:
    report = TEST.format(inside="")
    run = f'id -u; cat prices.txt; echo "$BASE_URL $ENVIRONMENT $RELEASE"; echo {CANARY}; echo "{report}" > r.xml'
    state, detail = await box.ran(run, junit="r.xml", artifacts=("r.xml",))
    assert (state, box.kept, box.numbers["tests"]) == ("passed", ("r.xml",), 1)
    assert detail.startswith("1 tests, passed in ")
    assert box.log.splitlines()[1:] == ["12.50", "http://127.0.0.1:1 staging rel_1", "***"]
    assert await box.containers() == []
    assert [path.name for path in box.bench.release.iterdir()] == ["prices.txt"]


async def test_it_reaches_what_it_is_to_check(box: Box) -> None:
    """The shell of the image knows no HTTP: that its network is this machine's is what counts."""
    async with open_shop() as shop:
        port = int(shop.url.rpartition(":")[2])
        state, _ = await box.ran(f"grep -q ':{port:04X} ' /proc/net/tcp", shop.url)
    assert state == "passed", box.log


async def test_how_it_failed_is_told_with_its_last_words(box: Box) -> None:
    state, detail = await box.ran("echo one; echo two >&2; exit 7")
    assert (state, detail.partition(" after ")[0]) == ("failed", "exited with code 7")
    assert detail.endswith(f"in a container of {box.image}; last lines: one | two")


async def test_it_is_ended_when_its_time_is_up_and_removed(box: Box) -> None:
    state, detail = await box.ran("echo began; sleep 60", timeout=timedelta(seconds=1))
    assert (state, detail) == ("failed", "was ended as it took longer than 1 s; last lines: began")
    assert await box.containers() == []


async def test_an_image_that_is_not_there_is_told(box: Box) -> None:
    state, detail = await box.ran("true", image="127.0.0.1:1/none:1")
    assert state == "failed"
    assert detail.startswith("did not run in its container: the image 127.0.0.1:1/none:1 is not here")


async def test_what_a_killed_one_left_is_removed_by_a_later_one(box: Box) -> None:
    labels = {CHECK: "rol_1-2-1", UNTIL: "1"}
    body = {"Image": box.image, "Entrypoint": ["sleep", "60"], "Labels": labels}
    made = await box.engine.json("POST", "/containers/create", None, body)
    await box.engine.json("POST", f"/containers/{made['Id']}/start")
    await sweep(box.engine)
    async with asyncio.timeout(5):
        while await box.containers():
            await asyncio.sleep(0.1)
