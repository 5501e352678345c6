"""`headgate dev` as a developer has it: it serves, follows the working tree, says why not, and is gone afterwards."""

import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.cli.conftest import HEADGATE, Run

FILE = """\
application: shop
services:
  web:
    build: web
    command: [python3, app.py]
    port: 8000
    health: {path: /, interval: 100ms}
environments:
  dev: {platform: process, env: {GREETING: hello}}
"""
SERVICE = """\
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
WORD = "one"
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            print("cannot go on", flush=True)
            os._exit(3)
        body = f"{os.environ['GREETING']} {WORD}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
print("\\x1b]0;title\\x07up", flush=True)
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""
SECONDS = 45  # for one thing to happen, on a machine that is busy with others


class Developing:
    def __init__(self, work: Path, temporary: Path) -> None:
        self.work, self.temporary, self._seen = work, temporary, 0
        self.out = work.parent / "out.txt"
        environment = {**os.environ, "TMPDIR": str(temporary), "NO_COLOR": "1"}
        with self.out.open("wb") as out:
            self.process = subprocess.Popen([*HEADGATE, "dev"], cwd=work, env=environment, stdout=out, stderr=out)

    def hears(self, wanted: str) -> str:
        """All that was said since the last time, up to and with these words."""
        give_up = time.monotonic() + SECONDS
        while time.monotonic() < give_up:
            told = self.out.read_text(errors="replace")[self._seen :]
            if found := re.search(wanted, told):
                self._seen += found.end()
                return told[: found.end()]
            time.sleep(0.05)
        pytest.fail(f"{wanted!r} is not in {self.out.read_text(errors='replace')}")

    def answers(self, path: str = "/") -> str:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def begins(self) -> None:
        found = re.search(r"open (http://127\.0\.0\.1:\d+) \(web\)", self.hears(r"open \S+ \(web\)"))
        assert found
        self.address = found[1]

    def write(self, word: str) -> None:
        (self.work / "web" / "app.py").write_text(SERVICE.replace('"one"', f'"{word}"'))

    def left_behind(self) -> list[Path]:
        """Envoy's socket stands elsewhere where a path is long; the empty folder of that is shared and stays."""
        return [path for path in self.temporary.rglob("*") if "headgate-dev" in path.name or not path.is_dir()]

    def left_running(self) -> list[str]:
        """Processes that were given a folder of this session."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                mine = str(self.temporary) in path.read_bytes().decode(errors="replace")
                where = os.readlink(path.with_name("cwd"))
                if mine or where.startswith(str(self.work)):
                    found.append(f"{path.parent.name} {path.read_bytes()!r}")
        return [one for one in found if not one.startswith(f"{self.process.pid} ")]


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """pytest's own is too long for the path of Envoy's socket where its runs have four digits."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def developing(tmp_path: Path, short_folder: Path) -> Iterator[Developing]:
    work = tmp_path / "work"
    (work / "web").mkdir(parents=True)
    (work / "headgate.yaml").write_text(FILE)
    (work / "web" / "app.py").write_text(SERVICE)
    session = Developing(work, short_folder)
    yield session
    if session.process.poll() is None:
        session.process.terminate()
        session.process.wait(30)


@pytest.mark.real("envoy", "git")
@pytest.mark.timeout(300)
def test_a_session(developing: Developing) -> None:
    developing.begins()
    assert developing.answers() == "hello one"
    assert "web      | up" in developing.out.read_text()

    developing.write("two")
    developing.hears("web/app.py changed")
    developing.hears("edit-2 serves")
    assert developing.answers() == "hello two"

    (developing.work / "headgate.yaml").write_text(FILE.replace("port: 8000", "port: high"))
    assert "headgate.yaml:6:11" in developing.hears("what ran before goes on")
    assert developing.answers() == "hello two"
    (developing.work / "headgate.yaml").write_text(FILE.replace("hello", "good morning"))
    developing.hears("edit-3 serves")
    assert developing.answers() == "good morning two"

    (developing.work / "web" / "app.py").write_text("raise SystemExit('no idea')")
    assert "last lines: no idea" in developing.hears("edit-3 goes on; the next change is tried")
    assert developing.answers() == "good morning two"
    developing.write("five")
    developing.hears("edit-5 serves")

    with suppress(OSError):
        developing.answers("/die")
    developing.hears(r"web: exited with code 3 .*last lines: .*cannot go on; started again in \d")
    give_up = time.monotonic() + SECONDS
    answer = ""
    while not answer and time.monotonic() < give_up:
        with suppress(OSError):
            answer = developing.answers()
    assert answer == "good morning five"

    developing.process.send_signal(signal.SIGINT)
    developing.process.send_signal(signal.SIGINT)
    assert developing.process.wait(SECONDS) == 0
    assert developing.left_running() == []
    assert developing.left_behind() == []


@pytest.mark.real("envoy", "git")
@pytest.mark.timeout(300)
def test_what_a_killed_session_left_is_ended_by_the_next(developing: Developing) -> None:
    developing.begins()
    developing.process.kill()
    developing.process.wait(30)
    assert developing.left_running() != []
    again = Developing(developing.work, developing.temporary)
    again.begins()
    assert again.address == developing.address
    assert again.answers() == "hello one"
    again.process.terminate()
    assert again.process.wait(SECONDS) == 0
    assert again.left_running() == []
    assert again.left_behind() == []


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        pytest.param(None, [], "the file cannot be read", id="no file"),
        pytest.param(FILE.replace("web:", "Web:"), [], "headgate.yaml:3:", id="a file with a problem"),
        pytest.param(FILE, ["--environment", "qa"], "an environment qa; there are: dev", id="no such environment"),
    ],
)
def test_what_cannot_begin_is_said_at_once(
    headgate: Run, work: Path, tmp_path: Path, text: str | None, arguments: list[str], said: str
) -> None:
    if text is not None:
        (work / "headgate.yaml").write_text(text)
    (tmp_path / "t").mkdir()
    assert said in headgate("dev", *arguments, code=1, TMPDIR=str(tmp_path / "t")).err


def test_a_folder_that_others_can_write_to_is_not_used(headgate: Run, work: Path, tmp_path: Path) -> None:
    """Somebody made it first, in the folder for temporary files that is everyone's."""
    (work / "headgate.yaml").write_text(FILE.replace("application: shop", "application: Shop"))  # ends before it begins
    headgate("dev", code=1, TMPDIR=str(tmp_path))
    (made,) = tmp_path.glob("headgate-dev-*")
    made.chmod(0o777)
    assert "the folder is not yours alone" in headgate("dev", code=2, TMPDIR=str(tmp_path)).err
