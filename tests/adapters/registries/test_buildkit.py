"""An engine that recommends BuildKit builds with it, and its errors are as clear. One of its own, for a moment."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.registries.stage import tar_of
from tests.adapters.registries.yard import Yard, dockerfile
from tests.conftest import require

from headgate.adapters.docker_images import BuildFailed, DockerImages
from headgate.adapters.registries.images.store import Images
from headgate.ports import AdapterError

pytestmark = pytest.mark.real("dockerd")


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerImages]:
    if os.geteuid():
        pytest.skip("only root may start a Docker Engine")
    folder = Path(tempfile.mkdtemp(prefix="buildkit-"))  # a socket's path is short
    (folder / "daemon.json").write_text(json.dumps({"features": {"buildkit": True}}))
    socket = f"unix://{folder}/docker.sock"
    # In a network of its own: without a bridge, an engine deletes the docker0 of all others on the machine.
    command = [str(require("unshare")), "--net", str(require("dockerd"))]
    command += ["--config-file", f"{folder}/daemon.json", "--host", socket]
    command += ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/run", "--pidfile", f"{folder}/pid"]
    command += ["--bridge=none", "--iptables=false", "--ip6tables=false"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + 40
    while b"API listen on" not in (folder / "log").read_bytes():
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.1)
    yield DockerImages(socket)
    process.terminate()
    process.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


async def test_an_image_is_built(engine: DockerImages, tmp_path: Path) -> None:
    context = tar_of(tmp_path, Dockerfile=dockerfile("COPY file /"), file=uuid.uuid4().hex)
    first = await engine.build(context, {"a": "b"})
    assert first.startswith("sha256:")
    assert await engine.build(context, {"a": "b"}) == first
    assert await engine.build(context, {"a": "c"}) != first


@pytest.mark.parametrize(
    ("line", "told"), [("COPY missing /", '"/missing" not found'), ("COPI x /", "unknown instruction: COPI")]
)
async def test_what_is_wrong_is_told(engine: DockerImages, tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(BuildFailed, match=told):
        await engine.build(tar_of(tmp_path, Dockerfile=dockerfile(line), file="x"), {})


async def test_nothing_outside_the_context_is_there(engine: DockerImages, tmp_path: Path) -> None:
    yard = Yard(tmp_path, {"url": "http://127.0.0.1:1"})
    (tmp_path / "secret").write_text("x")
    order = yard.order({"Dockerfile": dockerfile("COPY ../secret /")})
    images = Images(tmp_path / "images", {"docker": yard.registry}, engine)
    with pytest.raises(AdapterError, match="nothing outside it; move the file there"):
        await images.make(order)
