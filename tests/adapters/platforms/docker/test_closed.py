"""How far a container is closed: who reaches it, what it may do, and the ways out that the file names."""

import asyncio
import json
import socket
from typing import Any

import pytest
from tests.adapters.platforms.docker.stage import DockerStage
from tests.adapters.platforms.process.stage import get

from headgate.adapters.platforms.docker.containers import read_labels
from headgate.model.services import Container, Health
from headgate.testing.contracts.platform import PRODUCTION, observed, ready

pytestmark = pytest.mark.real("dockerd")


def other_addresses() -> list[str]:
    """Of this machine, beside loopback."""
    found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses the address it would send from
        return sorted({probe.getsockname()[0], *(one[4][0] for one in found)} - {"127.0.0.1", "127.0.1.1"})


async def test_it_is_published_on_loopback_alone(stage: DockerStage) -> None:
    await stage.platform.run(stage.revision("one"))
    (one,) = await ready(stage, 1)
    assert await get(one, "/healthz") == "ok"
    bindings = (await stage.inspect(one.id))["NetworkSettings"]["Ports"]
    assert bindings == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": one.address.rpartition(":")[2]}]}
    for address in other_addresses():
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(address, int(one.address.rpartition(":")[2]))


async def test_it_can_write_to_its_tmp_and_data_alone_and_is_nobody(stage: DockerStage) -> None:
    await stage.platform.run(stage.revision("one"))
    (one,) = await ready(stage, 1)
    assert "Read-only file system" in await get(one, "/write?/app/mine")
    assert await get(one, "/write?/tmp/mine") == "written"
    assert await get(one, "/write?/data/mine") == "written"
    status = await get(one, "/status")
    assert "CapEff:\t0000000000000000" in status
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert "Uid:\t65534" in status


async def test_the_file_can_open_it_by_name(stage: DockerStage) -> None:
    way_out = Container(
        read_only=False, capabilities=("NET_BIND_SERVICE",), new_privileges=True, user="0:0", tmp=8 * 1024**2
    )
    await stage.platform.run(stage.revision("one", container=way_out))
    (one,) = await ready(stage, 1)
    assert await get(one, "/write?/app/mine") == "written"
    status = await get(one, "/status")
    assert "CapEff:\t0000000000000400" in status, "NET_BIND_SERVICE, which is bit 10"
    assert "NoNewPrivs:\t0" in status
    assert "Uid:\t0" in status


async def test_its_limits_are_the_engines(stage: DockerStage) -> None:
    limits = Container(memory=64 * 1024**2, cpus=0.5, processes=50)
    await stage.platform.run(stage.revision("one", container=limits))
    (one,) = await ready(stage, 1)
    host: dict[str, Any] = (await stage.inspect(one.id))["HostConfig"]
    held = (host["Memory"], host["MemorySwap"], host["NanoCpus"], host["PidsLimit"])
    assert held == (64 * 1024**2, 64 * 1024**2, 500_000_000, 50)
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10000000", "max-file": "2"}}


async def test_too_much_memory_is_told_as_the_reason(stage: DockerStage) -> None:
    greedy = ("python", "-c", "x = bytearray(300_000_000); print(len(x))")
    limits = Container(memory=32 * 1024**2)
    await stage.platform.run(stage.revision("one", command=greedy, container=limits))
    (one,) = await observed(stage, lambda seen: seen[0].state == "exited")
    assert "used more memory than it may have" in one.detail


async def test_it_is_told_what_every_platform_tells(stage: DockerStage) -> None:
    command = ("python", "/app/service.py", "$PORT", "$$HOME")
    revision = stage.revision("one", command=command, health=Health("/healthz"))
    await stage.platform.run(revision)
    (one,) = await ready(stage, 1)
    told = json.loads(await get(one, "/environment"))
    assert (told["HOST"], told["PORT"], told["DATA_DIR"]) == ("0.0.0.0", "8000", "/data")
    assert (told["APPLICATION"], told["ENVIRONMENT"], told["SERVICE"]) == ("pcw", "production", "web")
    assert (told["RELEASE"], told["REVISION"], told["PATH"]) == (revision.release, revision.id, "/bin")
    inspected = await stage.inspect(one.id)
    assert inspected["Config"]["Entrypoint"] == ["python", "/app/service.py", "8000", "$HOME"]
    tag = read_labels(inspected["Config"]["Labels"])
    assert tag is not None
    assert (tag.environment, tag.revision, tag.id) == (PRODUCTION, revision.id, one.id)
    assert tag.health == revision.services[0].health
