"""Steps in containers: their end and its reason, what they may, what they find again, and what they leave behind."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.adapters.registries.server import RegistryServer
from tests.adapters.runners.docker_stage import DockerStage, staged
from tests.adapters.runners.stage import HostStage

from headgate.adapters.docker_images import DockerImages
from headgate.model.builds import Tally
from headgate.model.ids import StepRunId
from headgate.ports import Access
from headgate.testing.contracts.runner import RunnerContract, over

pytestmark = pytest.mark.real("dockerd")

TESTS = '<testsuite><testcase classname="a" name="one"/><testcase classname="a" name="two"/></testsuite>'
FINDING = json.dumps({"runs": [{"results": [{"level": "error", "ruleId": "B101", "message": {"text": "no"}}]}]})


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DockerStage]:
    async with staged(tmp_path) as made:
        yield made


async def until(stage: DockerStage, line: str) -> None:
    """It has printed that."""
    for _ in range(200):
        if line in await stage.printed():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(await stage.printed())


class TestDockerRunner(RunnerContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[DockerStage]:
        async with staged(tmp_path) as made:
            yield made


class TestItsEnd:
    async def test_a_failure_is_told_with_its_last_words_and_nothing_stays(self, stage: DockerStage) -> None:
        found = await stage.run("echo one; echo two; exit 7")
        assert (found.state, found.why.partition(" after")[0]) == ("failed", "exited with code 7")
        assert found.why.endswith("; last lines: one | two")
        assert await stage.containers() == []
        assert set(stage.changed) == {"bld_1"}

    async def test_its_time_limit_ends_it_with_all_it_started(self, stage: DockerStage) -> None:
        found = await stage.run("echo began; sleep 61 & sleep 62", timeout=timedelta(seconds=0.5))
        assert (found.state, found.why) == ("failed", "was ended as it took longer than 0.5 s; last lines: began")
        assert await stage.containers() == []

    async def test_too_much_memory_is_told_as_that(self, stage: DockerStage) -> None:
        found = await stage.run("tail /dev/zero", memory=16 * 1024 * 1024)
        assert found.state == "failed"
        assert "killed, because it needed more memory: more than the 16,777,216 bytes of `container:" in found.why

    async def test_stopped_nothing_of_it_is_left(self, stage: DockerStage) -> None:
        order = stage.order("echo began; sleep 60")
        await stage.runner.start(order, stage.checkout(order))
        await until(stage, "began")
        await stage.runner.stop(order.id, "a newer commit")
        assert (await over(stage, order)).state == "cancelled"
        assert await stage.containers() == []


class TestWhatItMay:
    async def test_it_is_closed_and_knows_nothing_of_the_server(
        self, stage: DockerStage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SERVERS_OWN", "secret")
        asks = ("grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status", "ls /var/run/docker.sock", "set", "id -u")
        line = "; ".join((*asks, "echo here", "sleep 60"))
        order = stage.order(line, memory=64 * 1024 * 1024, cpus=0.5, processes=50)
        await stage.runner.start(order, stage.checkout(order))
        await until(stage, "here")
        host = (await stage.inspect())["HostConfig"]
        printed = "\n".join(await stage.printed())
        assert "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1" in printed
        assert "cannot access '/var/run/docker.sock'" in printed
        assert "SERVERS_OWN" not in printed
        assert "HEADGATE_COMMIT='cccc" in printed
        assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (64 * 1024 * 1024, 500_000_000, 50)
        assert (host["Privileged"], host["NetworkMode"], len(host["Mounts"])) == (False, "bridge", 1)
        assert printed.splitlines()[-2] == str(os.geteuid())

    async def test_what_it_writes_is_the_servers_or_its_users(self, stage: DockerStage) -> None:
        mine = await stage.run("test -f app.py && touch made && stat -c %u made app.py")
        assert (mine.state, await stage.printed()) == ("passed", [str(os.geteuid())] * 2)
        if os.geteuid() == 0:
            line = "id -u; id -g; touch made $HOME/made $TMPDIR/made && stat -c %u made app.py"
            assert (await stage.run(line, id="bld_2", user="1234:4321", artifacts=("made",))).state == "passed"
            assert await stage.printed("bld_2.test.1") == ["1234", "4321", "1234", "1234"]
            assert [path.name for path in stage.runner.kept.artifacts(StepRunId("bld_2.test.1")).iterdir()] == ["made"]


class TestWhatIsReadAndKept:
    async def test_reports_and_secrets(self, tmp_path: Path) -> None:
        async with staged(tmp_path, secrets=("hunter22",)) as stage:
            line = f"echo '{TESTS}' > t.xml; echo '{FINDING}' > s.sarif; echo bye hunter22"
            found = await stage.run(line, junit="t.xml", sarif="s.sarif")
            assert (found.state, found.why) == ("failed", "1 finding of severity error or worse")
            assert found.tests == Tally(2)
            assert await stage.printed() == ["bye ***"]

    async def test_artifacts_go_between_runners_and_caches_to_the_next_build(self, tmp_path: Path) -> None:
        async with staged(tmp_path, artifacts=tmp_path / "artifacts") as stage:
            host = HostStage(tmp_path, artifacts=tmp_path / "artifacts")
            await host.run("echo built > app.whl", artifacts=("*.whl",))
            line = "cat app.whl; mkdir -p c; echo again >> c/log; cat c/log; echo packed > app.deb"
            await stage.run(line, name="pack", after=("bld_1.test.1",), cache=("c",), artifacts=("*.deb",))
            await stage.run("cat c/log", id="bld_2", cache=("c",))
            await host.run("cat app.deb", name="last", after=("bld_1.pack.1",))
            assert await stage.printed("bld_1.pack.1") == ["built", "again"]
            assert await stage.printed("bld_2.test.1") == ["again"]
            assert await host.printed("bld_1.last.1") == ["packed"]
            await host.clear()

    async def test_its_log_is_followed_while_it_is_written(self, stage: DockerStage) -> None:
        order = stage.order("echo first; sleep 1; printf last")
        await stage.runner.start(order, stage.checkout(order))
        came = [(line, time.monotonic()) async for line in stage.runner.logs(order.id, follow=True)]
        assert [line for line, _ in came] == ["first", "last"]
        assert came[1][1] - came[0][1] > 0.6


class TestARestart:
    async def test_an_end_while_nobody_looked_is_told_as_what_it_was(self, stage: DockerStage) -> None:
        order = stage.order("echo began; sleep 0.6; echo late; exit 3")
        await stage.runner.start(order, stage.checkout(order))
        await until(stage, "began")
        await stage.runner.close()
        await asyncio.sleep(1)
        await stage.restart()
        found = await over(stage, order)
        assert (found.state, found.why.partition(" after")[0]) == ("failed", "exited with code 3")
        assert await stage.printed() == ["began", "late"]
        assert await stage.containers() == []

    @pytest.mark.parametrize(("how", "why"), [("kill", "was ended after"), ("remove", "someone else removed it")])
    async def test_what_others_ended_is_lost(self, stage: DockerStage, how: str, why: str) -> None:
        order = stage.order("echo began; sleep 60")
        await stage.runner.start(order, stage.checkout(order))
        await until(stage, "began")
        await stage.runner.close()
        method, what = {"kill": ("POST", "/kill"), "remove": ("DELETE", "?force=1")}[how]
        await stage.engine.json(method, f"/containers/{stage.name()}{what}")
        await stage.restart()
        found = await over(stage, order)
        assert found.state == "lost"
        assert why in found.why
        assert await stage.containers() == []

    async def test_one_that_never_began_begins_anew(self, stage: DockerStage) -> None:
        """The server was killed between making the container and starting it."""
        order = stage.order("passes")
        body = {"Image": stage.image, "Cmd": ["x"]}
        await stage.engine.json("POST", "/containers/create", {"name": stage.name()}, body)
        assert await stage.runner.observe(order.id) is None
        await stage.runner.start(order, stage.checkout(order))
        assert (await over(stage, order)).state == "passed"


class TestItsImage:
    async def test_without_an_engine_the_step_fails_and_says_what_to_do(self, stage: DockerStage) -> None:
        there = stage.elsewhere(stage.folder / "none.sock", patience=timedelta(0))
        found = await there.run("passes")
        await there.runner.close()
        assert found.state == "failed"
        assert found.why.startswith("could not begin: The Docker Engine does not answer on ")
        assert "systemctl start docker" in found.why

    async def test_one_that_nobody_has_is_told(self, stage: DockerStage) -> None:
        found = await stage.run("passes", image="127.0.0.1:1/none:1")
        assert found.state == "failed"
        assert "could not begin: the image 127.0.0.1:1/none:1 is not here, and cannot be pulled" in found.why
        assert "docker pull 127.0.0.1:1/none:1" in found.why

    @pytest.mark.real("docker-registry")
    async def test_it_is_pulled_where_it_is_not_there(self, stage: DockerStage, tmp_path: Path) -> None:
        registry = RegistryServer(tmp_path / "registry")
        name = f"127.0.0.1:{registry.port}/steps"
        try:
            digest = await DockerImages().push(stage.image, Access(name), "1")
            await stage.engine.json("DELETE", f"/images/{name}:1")
            await stage.engine.json("DELETE", f"/images/{name}@{digest}", accept=(404,))
            pulled = await stage.run("passes", image=f"{name}@{digest}")
            assert pulled.state == "passed", pulled
        finally:
            registry.stop()
            await stage.engine.json("DELETE", f"/images/{name}@{digest}", {"force": "1"}, accept=(404, 409))

