"""headgate secrets: the commands themselves, called here; starts of Python where the command line is what is tested."""

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.cli.conftest import HEADGATE, Run

from headgate.cli.commands import secrets
from headgate.cli.failure import Failure

VALUE = "canary-7f3a9c1e"
FILE = """
application: shop
services: {{web: {{port: 8000, command: [serve]}}}}
secrets: {{age: {{file: deploy/shop.secrets, identity: {identity}}}}}
environments:
  qa: {{platform: process}}
  production: {{platform: process{own}}}
"""
OWN = ", secrets: {age: {file: production.secrets}}"


@pytest.fixture
def repository(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    (work / "headgate.yaml").write_text(FILE.format(identity=tmp_path / "identity.age", own=""))
    monkeypatch.chdir(work)
    return work


def typed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    stdin = SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(content))
    monkeypatch.setattr(sys, "stdin", stdin)


def refused(call: object, *, says: str) -> None:
    with pytest.raises(Failure) as caught:
        call()  # type: ignore[operator]
    assert says in "\n".join(caught.value.lines())
    assert VALUE not in "\n".join(caught.value.lines())


def test_a_value_is_written_and_listed_and_never_shown(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets.init(file="headgate.yaml", as_json=False)
    for content in (f"{VALUE}\n".encode(), f"{VALUE}-2".encode()):
        typed(monkeypatch, content)
        secrets.set("shop/db", file="headgate.yaml")
    secrets.listed(file="headgate.yaml")
    secrets.listed(file="headgate.yaml", as_json=True)
    out = capsys.readouterr().out
    assert "shop/db: version 1-" in out
    assert "deploy/shop.secrets: made" in out
    assert VALUE not in out + (repository / "deploy" / "shop.secrets").read_text()
    assert "AGE-SECRET-KEY" not in out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the value is empty"),
        (b"\n", "the value is empty"),
        (VALUE.encode() + b"\xff", "no UTF-8"),
        (VALUE.encode() * 100_000, "longer than 64 Ki"),
        (VALUE.encode() * 5_000, "at most 64 Ki"),
        (VALUE.encode() + b"\x00", "no zero byte"),
    ],
    ids=["nothing", "a line", "bytes", "huge", "long", "zero"],
)
def test_what_is_no_value_is_not_written(
    repository: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, says: str
) -> None:
    secrets.init(file="headgate.yaml", as_json=False)
    typed(monkeypatch, content)
    refused(lambda: secrets.set("shop/db", file="headgate.yaml"), says=says)


def test_an_environment_is_named_where_several_have_their_own(repository: Path, tmp_path: Path) -> None:
    (repository / "headgate.yaml").write_text(FILE.format(identity=tmp_path / "identity.age", own=OWN))
    refused(lambda: secrets.listed(file="headgate.yaml"), says="Add --env, one of: qa, production")
    refused(lambda: secrets.listed("qe", file="headgate.yaml"), says="Write one of: qa, production")
    refused(lambda: secrets.listed("qa", file="headgate.yaml"), says="`headgate secrets init` makes it")


def test_without_a_store_the_line_to_write_is_told(repository: Path) -> None:
    text = (repository / "headgate.yaml").read_text()
    (repository / "headgate.yaml").write_text("\n".join(line for line in text.splitlines() if "secrets:" not in line))
    refused(lambda: secrets.listed(file="headgate.yaml"), says="secrets: {age: {file: PATH}}")


def test_recipients_come_and_go(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyrage

    other = str(pyrage.x25519.Identity.generate().to_public())
    secrets.init([other], file="headgate.yaml", as_json=False)
    secrets.recipients(remove=[other], file="headgate.yaml")
    assert "set those values anew" in capsys.readouterr().out
    refused(lambda: secrets.recipients(file="headgate.yaml"), says="nothing to change")


def test_a_value_on_the_command_line_is_refused(repository: Path, headgate: Run) -> None:
    """Others read it in the list of processes, and the shell keeps it."""
    assert "unexpected extra argument" in headgate("secrets", "set", "shop/db", "value", code=2).err.lower()


def test_a_value_is_read_from_standard_input(repository: Path) -> None:
    secrets.init(file="headgate.yaml", as_json=False)
    done = subprocess.run([*HEADGATE, "secrets", "set", "db"], input=VALUE.encode(), capture_output=True, check=True)
    assert b"db: version 1-" in done.stdout
    assert VALUE.encode() not in done.stdout + done.stderr


def test_a_rotation_is_a_value_that_nobody_sees(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from headgate.bootstrap import secret_file

    secrets.init(file="headgate.yaml", as_json=False)
    refused(lambda: secrets.rotate("session-key", file="headgate.yaml"), says="has no secret session-key")
    keeping = secret_file("deploy/shop.secrets", None)
    first = keeping.set("session-key", VALUE, "ann")
    secrets.rotate("session-key", file="headgate.yaml")
    secrets.listed(file="headgate.yaml")
    out = capsys.readouterr().out
    assert "session-key: version 2-" in out
    assert first not in out
    assert " s ago" in out
    assert VALUE not in out


ANSWER = {
    "secrets": [
        {"environment": "qa", "store": "vault", "secret": "db", "version": "3", "variables": ["web.DB"],
         "by_reference": False, "problem": ""},
        {"environment": "production", "store": "vault", "secret": "db", "version": "", "variables": ["web.DB"],
         "by_reference": False, "problem": "secret db of env (headgate.yaml:7): Vault has no secret db"},
    ],
    "unused": [{"environment": "qa", "store": "age"}],
}  # fmt: skip


def test_a_check_tells_what_cannot_be_read(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, object]] = []

    class Asked:
        def __init__(self, data: str | None) -> None: ...

        def post(self, path: str, body: dict[str, object]) -> dict[str, object]:
            asked.append({"path": path, **body})
            return ANSWER

    monkeypatch.setattr("headgate.cli.commands.reaching.Api", Asked)
    assert secrets.check("qa", file="headgate.yaml") == 1
    out = capsys.readouterr().out
    assert "1 of 2 can be read" in out
    assert "production: secret db of env (headgate.yaml:7): Vault has no secret db" in out
    assert "no variable uses the store age" in out
    assert (asked[0]["path"], asked[0]["environment"]) == ("/api/secrets/check", "qa")
    assert (asked[0]["filename"], asked[0]["source"]) == ("headgate.yaml", str(repository.resolve()))
