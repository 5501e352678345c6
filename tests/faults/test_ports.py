"""A port that someone else has: refused with a sentence where it was asked for, exchanged where it was not."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.faults import processes
from tests.faults.stage import Refused, Stage

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]


@contextmanager
def stranger(port: int = 0) -> Iterator[int]:
    """Listens on a port, and answers nobody."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bind(listening, port)
        listening.listen(100)
        yield listening.getsockname()[1]


def bind(listening: socket.socket, port: int) -> None:
    """As soon as who had it is gone."""
    for _ in range(500):
        try:
            listening.bind(("127.0.0.1", port))
            return
        except OSError:
            time.sleep(0.001)
    pytest.fail(f"port {port} did not become free")


async def test_a_public_port_that_is_taken_is_refused_until_it_is_free(stage: Stage) -> None:
    await stage.serve()
    with stranger() as port:
        stage.repository.edit("keep_warm: 0s", f"keep_warm: 0s\n    listen: {{web: {port}}}")
        applied = await stage.apply()
        sentence = f"Envoy cannot listen on port {port}, the public address of web"
        assert sentence in applied["environments"][0]["problem"]
        with pytest.raises(Refused, match=sentence):
            await stage.deploy("v1")
        told = stage.command("deploy", "production", "v1")
        assert told.returncode == 1
        assert sentence in told.stderr
        assert "Free the port, or give another under `listen`" in told.stderr
    await stage.deploy_again("v1")
    assert await stage.ended() == "promoted"
    await stage.well("v1")
    assert (await stage.shown())["addresses"]["web"]["public"] == f"http://127.0.0.1:{port}"


async def test_an_instance_whose_port_was_taken_gets_another(stage: Stage) -> None:
    await stage.serves("v1")
    one, other = processes.instances(stage.data)
    processes.kill(one.pid)
    with stranger(one.port):
        await stage.well("v1")
        ports = {each.port for each in processes.instances(stage.data)}
    assert other.port in ports
    assert one.port not in ports


async def test_a_public_port_that_was_taken_while_envoy_was_away_is_told_and_taken_back(stage: Stage) -> None:
    await stage.serves("v1")
    assert stage.load is not None
    await stage.load.stop()
    stage.kill_server()
    envoy = processes.envoy(stage.data)
    assert envoy is not None
    processes.kill(envoy)
    with stranger(stage.load.port):
        await stage.serve()

        async def told() -> bool:
            waits = " ".join((await stage.shown())["waits_for"])
            return f"cannot listen on port {stage.load.port}" in waits

        await stage.until(told, "the taken port is told")
    assert (await stage.load.send()).version in ("v1", "")
    await stage.answered()

    async def silent() -> bool:
        return (await stage.shown())["waits_for"] == []

    await stage.until(silent, "nothing of it is told any more", 10)
    await stage.well("v1")
