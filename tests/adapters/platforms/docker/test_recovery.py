"""The server is killed at any line; the Docker Engine goes away and comes back. Nothing is lost, nothing runs twice."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.adapters.platforms.docker.stage import DockerStage
from tests.adapters.platforms.process.stage import get
from tests.conftest import require

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.platforms.docker import DockerPlatform
from headgate.ports import AdapterError
from headgate.testing.contracts.platform import PRODUCTION, observed, ready

ROOT = Path(__file__).parents[4]


async def killed(stage: DockerStage, folder: Path, what: str) -> None:
    """A server of its own on the stage's folder, that did `what` and was killed."""
    script = Path(__file__).with_name("server.py")
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        folder,
        stage.image,
        what,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert server.stdout is not None
    async with asyncio.timeout(30):
        line = await server.stdout.readline()
        if line:
            server.send_signal(signal.SIGKILL)
        assert await server.wait() == -signal.SIGKILL
        assert (line == b"done\n") is (what in {"run", "stop"})


@pytest.mark.real("dockerd")
class TestServer:
    async def test_what_ran_is_found_as_it_was(self, stage: DockerStage, tmp_path: Path) -> None:
        await killed(stage, tmp_path, "run")
        (one,) = await stage.platform.observe(PRODUCTION)
        assert (one.state, one.restarts) == ("ready", 0)
        assert await get(one, "/healthz") == "ok"
        before = (await stage.inspect(one.id))["Id"]
        await stage.platform.run(stage.revision("one"))
        assert (await ready(stage, 1)) == [one]
        assert (await stage.inspect(one.id))["Id"] == before

    async def test_a_stop_is_finished(self, stage: DockerStage, tmp_path: Path) -> None:
        await killed(stage, tmp_path, "stop")
        await observed(stage, lambda seen: not seen)

    @pytest.mark.parametrize("where", ["before-create", "before-start", "after-start"])
    async def test_a_start_is_finished_by_running_again(self, stage: DockerStage, tmp_path: Path, where: str) -> None:
        await killed(stage, tmp_path, where)
        await stage.platform.run(stage.revision("one"))
        (one,) = await ready(stage, 1)
        assert one.restarts == 0

    async def test_everything_is_found_by_labels_alone(self, stage: DockerStage) -> None:
        await stage.platform.run(stage.revision("one", replicas=2))
        before = await ready(stage, 2)
        await stage.platform.close()
        shutil.rmtree(stage.settings.data)
        stage.platform = DockerPlatform(stage.settings)
        assert await ready(stage, 2) == before


@asynccontextmanager
async def bridge() -> AsyncIterator[str]:
    """For an engine of one's own. With none at all it would delete the default one of the machine's engine."""
    shared, name = DockerEngine(), f"hgt{os.getpid() % 10**8}"
    options = {"com.docker.network.bridge.name": name}
    try:
        await shared.json("POST", "/networks/create", body={"Name": name, "Driver": "bridge", "Options": options})
        yield name
    finally:
        await shared.json("DELETE", f"/networks/{name}", accept=(404,))
        await shared.close()


@pytest.fixture
def short() -> Iterator[Path]:
    """A socket's path must be short."""
    with tempfile.TemporaryDirectory(prefix="hg-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@asynccontextmanager
async def engine(folder: Path, bridge: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """An engine of its own, that touches no firewall."""
    options = [f"--host=unix://{folder}/d.sock", f"--data-root={folder}/data", f"--exec-root={folder}/run"]
    options += [f"--pidfile={folder}/pid", f"--bridge={bridge}", "--iptables=false", "--ip-masq=false"]
    options += ["--ip-forward=false"]
    with (folder / "log").open("ab") as log:
        started = await asyncio.create_subprocess_exec(require("dockerd"), *options, stdout=log, stderr=log)
    try:
        for _ in range(300):
            if (folder / "d.sock").exists():
                break
            assert started.returncode is None, (folder / "log").read_text()[-1000:]
            await asyncio.sleep(0.1)
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        async with asyncio.timeout(30):
            await started.wait()


@pytest.mark.real("dockerd")
@pytest.mark.timeout(120)
async def test_the_engine_is_restarted_midway(tmp_path: Path, short: Path) -> None:
    changed: list[str] = []
    async with bridge() as name:
        async with engine(short, name) as first:
            stage = await DockerStage(tmp_path, engine=f"unix://{short}/d.sock").imaged()
            stage.platform.on_change = changed.append
            revision = stage.revision("one")
            await stage.platform.run(revision)
            (before,) = await ready(stage, 1)
            changed.clear()
            first.terminate()
            await first.wait()
            await asyncio.sleep(0.2)
            with pytest.raises(AdapterError, match="The Docker Engine"):
                await stage.platform.observe(PRODUCTION)
            with pytest.raises(AdapterError, match="The Docker Engine"):
                await stage.platform.run(revision)
            assert changed, "the engine is told at once, and will say what it cannot see"
        async with engine(short, name):
            await back(stage)
            await observed(stage, lambda seen: seen[0].state == "exited")
            await stage.wait(1.0)
            await stage.platform.run(revision)
            (after,) = await ready(stage, 1)
            assert (after.id, after.restarts) == (before.id, 1)
            assert await get(after, "/healthz") == "ok"
            await stage.clear()


async def back(stage: DockerStage) -> None:
    for _ in range(100):
        try:
            await stage.platform.observe(PRODUCTION)
            return
        except AdapterError:
            await stage.wait(0.1)
    pytest.fail("the engine did not come back")


async def test_an_engine_that_is_not_there_is_named_with_a_remedy(tmp_path: Path) -> None:
    stage = DockerStage(tmp_path, engine=f"unix://{tmp_path}/none.sock")
    with pytest.raises(AdapterError, match=r"none\.sock \(No such file or directory\)\. Start it \(systemctl"):
        await stage.platform.observe(PRODUCTION)
    await stage.platform.close()
    stage.platform = DockerPlatform(stage.settings)
    await stage.platform.stop_all(PRODUCTION)
    await stage.platform.close()


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ({"Name": "another"}, r"is no Docker Engine"),
        ({"ApiVersion": "1.41"}, r"not understood"),
    ],
)
async def test_what_is_no_docker_engine_is_told(tmp_path: Path, version: object, said: str) -> None:
    """It answers everything with this, and a list of containers that is none."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(version if request.path == "/version" else [{}])

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "d.sock")).start()
    stage = DockerStage(tmp_path, engine=f"unix://{tmp_path}/d.sock")
    try:
        for _ in range(2):
            with pytest.raises(AdapterError, match=said):
                await stage.platform.observe(PRODUCTION)
    finally:
        await stage.platform.close()
        await runner.cleanup()


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:2375", "ssh://me@host", "unix://", "nonsense"])
async def test_a_host_that_cannot_be_used_is_refused(tmp_path: Path, host: str) -> None:
    stage = DockerStage(tmp_path, engine=host)
    with pytest.raises(AdapterError, match="only the engine of this machine can"):
        await stage.platform.observe(PRODUCTION)
    await stage.platform.close()
