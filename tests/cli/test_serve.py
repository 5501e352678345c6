"""The server as a process of its own: where it listens, who may run it, how it ends, what its log is worth."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import HEADGATE, Run

from headgate.adapters.traffic.envoy import EnvoyRouter, EnvoySettings

pytestmark = pytest.mark.real("envoy", "git")

Serve = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def serve(data: Path, work: Path) -> Iterator[Serve]:
    """Starts servers, and ends them."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        command = [*HEADGATE, "serve", "--data", str(data), *arguments]
        server = subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(server)
        return server

    yield start
    for server in started:
        server.kill()
        server.communicate(timeout=10)
    if (data / "envoy").exists():  # it outlives its server, and is to
        asyncio.run(EnvoyRouter(EnvoySettings(folder=data / "envoy")).close(stop=True))


def answers(server: "subprocess.Popen[str]") -> str:
    """The line that says that it answers."""
    assert server.stdout
    line = server.stdout.readline()
    assert line, server.stderr and server.stderr.read()
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_starts_answers_and_ends(headgate: Run, serve: Serve, data: Path, number: signal.Signals) -> None:
    server = serve("--port", "0")
    assert answers(server).startswith("Headgate serves http://127.0.0.1:")
    assert (data / "token").stat().st_mode & 0o777 == 0o600
    assert json.loads((data / "server.json").read_text())["pid"] == server.pid
    assert headgate("status").out.startswith("nothing is applied yet")
    server.send_signal(number)
    assert server.wait(10) == 0
    assert server.communicate()[1] == ""
    assert not (data / "server.json").exists()
    assert headgate("status", code=3)


def test_killed_and_started_again_it_is_found_again(headgate: Run, serve: Serve) -> None:
    first = serve("--port", "0")
    answers(first)
    first.kill()
    first.wait(10)
    assert headgate("status", code=3)
    answers(serve("--port", "0"))
    assert headgate("status")


def test_a_second_one_on_the_folder_is_refused(headgate: Run, serve: Serve, data: Path) -> None:
    server = serve("--port", "0")
    answers(server)
    err = headgate("serve", "--port", "0", code=1).err
    assert f"in use by the Headgate server with pid {server.pid}" in err
    assert headgate("status")


def test_a_taken_port_is_named(headgate: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert f"127.0.0.1:{port} cannot be listened on" in headgate("serve", "--port", str(port), code=1).err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_are_let_in_only_when_that_is_said(headgate: Run, host: str) -> None:
    assert "--expose" in headgate("serve", "--host", host, code=2).err


def test_letting_other_machines_in_is_warned_of(serve: Serve) -> None:
    server = serve("--port", "0", "--host", "0.0.0.0", "--expose")
    answers(server)
    server.terminate()
    assert "warning: listening on 0.0.0.0" in server.communicate(timeout=10)[1]


@pytest.mark.parametrize("where", ["/nowhere/anchors", "ftp://127.0.0.1/x", "http://", "/tmp", "file:///tmp/x"])
def test_a_place_for_anchors_that_is_none(headgate: Run, where: str) -> None:
    assert "anchors cannot be written there" in headgate("serve", "--anchor", where, code=2).err


@pytest.mark.parametrize("host", ["nowhere", "", "127.0.0.1:80"])
def test_an_address_that_is_none(headgate: Run, host: str) -> None:
    assert "is not an IP address" in headgate("serve", "--host", host, code=2).err


def test_a_folder_that_cannot_be_used(headgate: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be used" in headgate("serve", "--data", str(tmp_path / "file" / "x"), "--port", "0", code=1).err


def test_audit_reads_the_log_beside_a_server_and_without(
    headgate: Run, serve: Serve, data: Path, tmp_path: Path
) -> None:
    assert "There is no event log" in headgate("audit", "verify", code=1).err
    server = serve("--port", "0", "--anchor", str(tmp_path / "anchors"))
    answers(server)
    assert headgate("audit", "verify").out.startswith("0 rows, each as it was written")
    server.terminate()
    server.wait(10)
    assert headgate("audit", "verify", "--json", "--anchors", str(tmp_path / "anchors")).json()["ok"] is True
    (tmp_path / "anchors").write_text('{"position": 9, "hash": "x"}\n')
    assert "says 9: its end was cut" in headgate("audit", "verify", "--anchors", str(tmp_path / "anchors"), code=1).err


def test_audit_names_the_first_bad_row(headgate: Run, serve: Serve, data: Path, work: Path) -> None:
    server = serve("--port", "0")
    answers(server)
    (work / "headgate.yaml").write_text(headgate("init", "--print").out)
    subprocess.run(["git", "init", "-q"], cwd=work, check=True, timeout=30)
    headgate("apply")
    server.terminate()
    server.wait(10)
    content = (data / "events.db").read_bytes()
    assert b"on-build" in content
    (data / "events.db").write_bytes(content.replace(b"on-build", b"on-guild"))
    err = headgate("audit", "verify", code=1).err
    assert "row 1 " in err
    assert "was changed" in err
    assert headgate("audit", "verify", "--json", code=1).json()["ok"] is False
    assert "audit verify" in headgate("serve", "--port", "0", code=1).err


def test_an_idle_server_is_small_and_quiet(serve: Serve) -> None:
    """The budget is 120 MB; processor time is a benchmark's matter."""
    server = serve("--port", "0")
    answers(server)
    time.sleep(1)
    status = Path(f"/proc/{server.pid}/status")
    if not status.exists():
        pytest.skip("no /proc here")
    memory = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    assert int(memory.split()[1]) < 120_000
    assert os.path.exists(f"/proc/{server.pid}")
