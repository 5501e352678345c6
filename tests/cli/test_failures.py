"""Nothing that goes wrong shows a traceback: what happened, where, what to do next, and an exit code."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.conftest import HEADGATE, Run

COMMANDS = [
    *("apply", "release", "releases", "deploy e", "status", "watch e", "why e", "history e", "logs e"),
    *("pause e", "resume e", "promote e", "abort e", "rollback e", "approve e", "lift r --why w"),
    *("migrate e", "review e", "reject e --why w", "checks e", "config e", "notifications", "notifications retry"),
]


def whereabouts(data: Path, **content: object) -> None:
    (data / "token").write_text("token")
    (data / "server.json").write_text(json.dumps(content))


@contextmanager
def answering(data: Path, answer: bytes) -> Iterator[None]:
    """A program at the server's address that says the same to everyone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        whereabouts(data, address=f"http://127.0.0.1:{listening.getsockname()[1]}", pid=os.getpid())

        def answer_all() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        threading.Thread(target=answer_all, daemon=True).start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_server_every_command_says_so(headgate: Run, work: Path, data: Path, command: str) -> None:
    if command == "apply":
        (work / "headgate.yaml").write_text("application: shop\n")
        subprocess.run(["git", "init", "-q"], cwd=work, check=True, timeout=30)
    ran = headgate(*command.split(), code=3)
    assert ran.err == f"headgate: no server is running\n  where: {data}\n  next:  start it with `headgate serve`\n"
    assert ran.out == ""


def test_failures_are_json_where_json_is_asked_for(headgate: Run, data: Path) -> None:
    error = json.loads(headgate("status", "--json", code=3).err)["error"]
    assert error == {"what": "no server is running", "where": str(data), "remedy": "start it with `headgate serve`"}


class TestWhereabouts:
    def test_of_a_server_that_was_killed(self, headgate: Run, data: Path) -> None:
        ended = subprocess.Popen(["true"])
        ended.wait()
        whereabouts(data, address="http://127.0.0.1:1", pid=ended.pid)
        assert "no server is running" in headgate("status", code=3).err

    def test_where_nobody_listens(self, headgate: Run, data: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        whereabouts(data, address=f"http://127.0.0.1:{port}", pid=os.getpid())
        assert f"127.0.0.1:{port}" in headgate("status", code=3).err

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b'"x"', b"{}", b'{"address": 1, "pid": "x"}', b"\xff\xfe", b'{"address": "x", "pid": 1}'],
        ids=str,
    )
    def test_that_make_no_sense(self, headgate: Run, data: Path, content: bytes) -> None:
        (data / "token").write_text("token")
        (data / "server.json").write_bytes(content)
        assert "headgate serve" in headgate("status", code=3).err

    def test_without_a_token(self, headgate: Run, data: Path) -> None:
        whereabouts(data, address="http://127.0.0.1:1", pid=os.getpid())
        (data / "token").unlink()
        assert "--data" in headgate("status", code=1).err


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\n\r\n[1]",
        b'HTTP/1.1 200 OK\r\n\r\n{"applications": 1}',
        b"HTTP/1.1 500 Oh no\r\n\r\nTraceback (most recent call last)",
        b'HTTP/1.1 409 X\r\n\r\n{"error": 1}',
        b'HTTP/1.1 409 X\r\n\r\n{"error": {"what": [1], "problems": [1, {}]}}',
        b"HTTP/1.1 abc X\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"\x00" * 5000,
    ],
    ids=lambda answer: repr(answer[:40]),
)
@pytest.mark.parametrize("command", ["status", "rollback e", "history e"])
def test_answers_that_make_no_sense(headgate: Run, data: Path, answer: bytes, command: str) -> None:
    with answering(data, answer):
        assert headgate(*command.split(), code=1).err.startswith("headgate: ")


def test_a_server_that_hangs_up_is_an_error_not_a_signal(headgate: Run, data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        whereabouts(data, address=f"http://127.0.0.1:{listening.getsockname()[1]}", pid=os.getpid())

        def hang_up() -> None:
            connection, _ = listening.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        err = headgate("rollback", "production", "-a", "shop", code=1).err
    assert "broke off" in err
    assert "shows whether it was carried out" in err


def test_output_that_nobody_reads_ends_quietly(work: Path) -> None:
    program = subprocess.Popen([*HEADGATE, "spec"], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout
    assert program.stderr
    program.stdout.read(10)
    program.stdout.close()
    assert program.stderr.read() == b""
    assert program.wait(10) in (0, -13)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_with_few_characters_gets_replacements(headgate: Run, work: Path, encoding: str) -> None:
    (work / "headgate.yaml").write_text("application: \u00fc\u4e2d\n")
    assert headgate("apply", "--check", code=1, PYTHONIOENCODING=encoding, PYTHONUTF8="0").err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["deploy"],
        ["deploy", "a", "b", "c"],
        ["logs", "e", "-n", "many"],
        ["status", "--nonsense"],
        ["lift", "v1"],
    ],
    ids=" ".join,
)
def test_wrong_usage_says_what_is_right(headgate: Run, arguments: list[str]) -> None:
    assert "Usage: headgate" in headgate(*arguments, code=2).err


def test_a_near_miss_is_suggested(headgate: Run) -> None:
    assert "Did you mean 'deploy'" in headgate("depoy", code=2).err


def test_help_documents_the_exit_codes(headgate: Run) -> None:
    out = " ".join(headgate("--help").out.split())
    for text in (
        "0 done",
        "1 refused",
        "2 wrong usage",
        "3 no server",
        "4 the rollout",
        "5 its release",
        "130 interrupted",
    ):
        assert text in out


def test_completion_knows_the_commands(headgate: Run) -> None:
    out = headgate("x", _HEADGATE_COMPLETE="complete_bash", COMP_WORDS="headgate roll", COMP_CWORD="1").out
    assert "rollback" in out


def test_a_defect_is_told_as_one(work: Path) -> None:
    program = (
        "import sys; from headgate.cli import main, hurry; hurry.understood = lambda _: 1 / 0; sys.exit(main.main())"
    )
    ran = subprocess.run(
        [HEADGATE[0], "-c", program, "x"], cwd=work, capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("headgate: a defect of Headgate: ZeroDivisionError")
    assert "Traceback" not in ran.stderr
    assert "HEADGATE_DEBUG=1" in ran.stderr
