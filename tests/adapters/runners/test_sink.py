"""What must not stand in a log is masked, and the rest is left as it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.adapters.machine.output import SINK
from headgate.adapters.machine.secrets import known_secrets
from headgate.adapters.machine.sink import Mask
from headgate.ports import Host

# Written in parts, so that no scanner takes this file for a leak.
GITHUB, AWS, JWT = "ghp_" + "a1" * 20, "AKIA" + "ABCD" * 4, "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("nothing to hide\n", "nothing to hide\n"),
        (f"token={GITHUB}\n", "token=***\n"),
        (f"{AWS} {JWT}", "*** ***"),
        ("Authorization: Bearer abcdefghijklmnop123\n", "Authorization: Bearer ***\n"),
        ("postgresql://ann:hush@db/shop\n", "postgresql://ann:***@db/shop\n"),
        ("http://localhost:8000/a@b\n", "http://localhost:8000/a@b\n"),
        ("my s3cr3t!*+ is s3cr3t!*+", "my *** is ***"),
        ("longer-s3cr3t!*+", "***"),
        ("bare \xff bytes", "bare \xff bytes"),
    ],
)
def test_what_is_masked(line: str, shown: str) -> None:
    assert Mask(["s3cr3t!*+", "longer-s3cr3t!*+"]).hide(line.encode("latin-1")) == shown.encode("latin-1")


def sunk(folder: Path, printed: bytes, limit: int = 10_000, secrets: list[str] | None = None) -> bytes:
    given = os.memfd_create("secrets")
    os.write(given, json.dumps(secrets or []).encode())
    os.lseek(given, 0, os.SEEK_SET)
    log, done = folder / "log", folder / "done"
    command = [sys.executable, "-I", "-S", SINK, log, str(limit), done, str(given)]
    subprocess.run(command, input=printed, pass_fds=(given,), check=True, timeout=30)
    os.close(given)
    assert done.exists()
    return log.read_bytes()


def test_a_private_key_is_masked_line_by_line(tmp_path: Path) -> None:
    name = "RSA PRIVATE " + "KEY"
    key = f"before\n-----BEGIN {name}-----\nMIIE\nabcd\n-----END {name}-----\nafter\n"
    assert sunk(tmp_path, key.encode()) == b"before\n***\n***\n***\n***\nafter\n"


def test_a_key_in_what_is_left_out_is_masked_too(tmp_path: Path) -> None:
    name = "PRIVATE " + "KEY"
    printed = b"x" * 2000 + f"\n-----BEGIN {name}-----\n".encode() + b"secret\n" * 20_000
    assert b"secret" not in sunk(tmp_path, printed, limit=100)


def test_begin_and_end_stay_and_secrets_of_the_end_are_masked(tmp_path: Path) -> None:
    printed = b"begin\n" + b"middle of it all\n" * 20_000 + b"the hunter22 end\n"
    log = sunk(tmp_path, printed, limit=1000, secrets=["hunter22"])
    assert log.startswith(b"begin\n")
    assert log.endswith(b"middle of it all\nthe *** end\n")
    assert len(log) < 1000 + 70_000
    assert b"bytes of output are left out here" in log


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", [b"x", b"eyJ-", b"a://", b"://:", b"Bearer ", b"glpat-", b"-----BEGIN "], ids=str)
def test_a_line_without_end_is_bounded_and_soon_read(tmp_path: Path, piece: bytes) -> None:
    printed = piece * (1_000_000 // len(piece))
    assert len(sunk(tmp_path, printed, limit=300_000)) < 300_000 + 3 * 64 * 1024


def test_the_servers_secrets_are_its_token_and_what_its_environment_calls_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("the-token\n")
    host = Host(tmp_path / "runners" / "host", tmp_path, tmp_path, print, hidden=lambda: ["handed-out"])
    for name, value in {"DB_PASSWORD": "hunter22", "SIGNING_KEY": "k" * 9, "MONKEY": "banana", "A_TOKEN": "no"}.items():
        monkeypatch.setenv(name, value)
    found = set(known_secrets(host))
    assert {"the-token", "hunter22", "k" * 9, "handed-out"} <= found
    assert not {"banana", "no"} & found
