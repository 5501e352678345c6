"""The way to another host, with an ssh that is made up: what it is told, and what becomes of what it says."""

import os
from pathlib import Path

import pytest

from headgate.adapters.docker_engine import DockerEngine, EngineUnreachable
from headgate.adapters.platforms.docker.tunnel import Tunnel
from headgate.ports import AdapterError


def fake_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir()
    (folder / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


async def told(url: str = "ssh://deploy@10.0.0.5:2222") -> str:
    engine = DockerEngine(way=Tunnel(url))
    try:
        with pytest.raises(EngineUnreachable) as error:
            await engine.json("GET", "/version")
        return str(error.value)
    finally:
        await engine.close()


@pytest.mark.parametrize(
    "url",
    [
        "ssh://",
        "ssh://-oProxyCommand=id",
        "ssh://-lroot@h",
        "ssh://u;id@h",
        "ssh://h;id",
        "ssh://h:1;id",
        "ssh://u:secret@h",
        "ssh://h/x",
        "ssh://$(id)",
        "ssh://h\nx",
        "h",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(AdapterError, match="cannot be used: write ssh://USER@HOST"):
        Tunnel(url)


async def test_ssh_is_asked_without_a_shell_and_never_asks_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ssh(tmp_path / "bin", monkeypatch, f'for one in "$@"; do echo "$one"; done > {tmp_path}/argv; exit 1')
    await told()
    argv = (tmp_path / "argv").read_text().splitlines()
    assert argv[:4] == ["-p", "2222", "-l", "deploy"]
    assert argv[-6:] == ["-T", "--", "10.0.0.5", "docker", "system", "dial-stdio"]
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "ControlMaster=auto", "ForwardAgent=no"} < set(argv)
    (login,) = [one for one in argv if one.startswith("ControlPath=")]
    assert not Path(login.removeprefix("ControlPath=")).parent.exists(), "nothing is left behind"


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Host key verification failed.", "accept its key: ssh -p 2222 -l deploy 10.0.0.5"),
        ("deploy@10.0.0.5: Permission denied (publickey).", "authorized_keys must hold a key of this server's user"),
        ("sh: 1: docker: not found", "Install Docker's client there"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "add that user to the group docker"),
        ("ssh: connect to host 10.0.0.5 port 2222: Connection refused", "See that it runs and lets this server in"),
    ],
)
async def test_what_ssh_says_is_told_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, remedy: str
) -> None:
    fake_ssh(tmp_path / "bin", monkeypatch, f'echo "{said}" >&2; exit 255')
    sentence = await told()
    assert sentence.startswith(f"ssh://deploy@10.0.0.5:2222 cannot be reached ({said})")
    assert remedy in sentence


async def test_what_the_other_side_says_stays_one_short_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ssh(tmp_path / "bin", monkeypatch, "printf '\\033[2J\\nevil %05000d' 1 >&2; exit 255")
    sentence = await told()
    assert sentence.isprintable()
    assert len(sentence) < 800


async def test_without_ssh_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "ssh cannot be run: No such file or directory; install openssh-client on this machine" in await told()
