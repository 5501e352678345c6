"""Nothing leaks: canaries wherever secrets can be, a server that meets failures, and a search of every byte it wrote.

What a program prints of its own is in its own log, for the server's user alone; whatever shows it hides them.
"""

import asyncio
import json
import stat
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from tests.cli.conftest import Run
from tests.cli.test_serve import Serve, answers, serve  # noqa: F401 - a fixture

from headgate.bootstrap import secret_file, take_down

pytestmark = pytest.mark.real("envoy", "git")

HANDED = {
    "in a variable": 'canary"variable/?7f3a',
    "in a file": "canary-file-91bc",
    "of the store age": "canary-age&a9e0",
    "rotated": "canary-rotated-55d0",
}
SERVERS = {
    "GATE_KEY": "canary-gate-c0de",
    "REGISTRY_LOGIN": "me:canary-registry-d00d",
    "NOTIFY_KEY": "canary-notify-feed",
    "NOTIFY_URL": "http://127.0.0.1:9/canary-address-fade",
}
APP = """\
import base64, http.server, json, os, sys
print(dict(os.environ), open(os.environ["TLS_KEY"]).read(), flush=True)
KIND = "KIND-OF-RELEASE"
if KIND == "crashes":
    sys.exit("the password " + os.environ["DB_PASSWORD"] + " is wrong")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        pair = base64.b64encode(("me:" + os.environ["DB_PASSWORD"]).encode()).decode()
        body = json.dumps({"kind": KIND, "basic": pair, **os.environ}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""
ASK = """\
import json, os, sys, urllib.parse, urllib.request
told = urllib.request.urlopen(os.environ["BASE_URL"]).read().decode()
print(os.environ, told, urllib.parse.quote(json.loads(told)["DB_PASSWORD"]))
open("kept.txt", "w").write(str(dict(os.environ)))
sys.exit("fails" in told and "it answered " + told)
"""
FILE = """\
application: shop
secrets:
  env-file: {file: FOLDER/secrets.env}
  age: {file: FOLDER/shop.secrets, identity: FOLDER/identity.age}
notifications:
  - webhook: {url_from: NOTIFY_URL, secret_from: NOTIFY_KEY}
pipeline:
  ci:
    - {name: nosy, run: "env; tr '\\\\0' '\\\\n' < /proc/$(cat FOLDER/pid)/environ"}
services:
  web:
    port: 8000
    command: [python, app.py]
    health: {interval: 200ms}
environments:
  staging:
    platform: process
    branches: [main]
    keep_warm: 0s
    env:
      DB_PASSWORD: {secret: DB_PASSWORD, store: env-file}
      TLS_KEY: {secret: TLS_KEY, store: env-file, as: file}
      PIN: {secret: pin, store: age}
    checks: [{name: ask, run: python ask.py, artifacts: [kept.txt]}]
  production:
    platform: process
    deploy: on-request
    env: {DB_PASSWORD: {secret: GONE, store: env-file}, TLS_KEY: {secret: TLS_KEY, store: env-file, as: file}}
    gates: [{webhook: {url: "http://127.0.0.1:9/", secret_from: GATE_KEY, every: 1s}}]
"""


class Stage:
    def __init__(self, headgate: Run, data: Path, work: Path, folder: Path) -> None:
        self.headgate, self.data, self.work, self.folder = headgate, data, work, folder
        self.told: list[str] = []
        self.write(HANDED["in a variable"])
        keeping = secret_file(str(folder / "shop.secrets"), str(folder / "identity.age"))
        keeping.init([])
        keeping.set("pin", HANDED["of the store age"], "ann")
        self.git("init", "-q", "-b", "main")
        (work / "headgate.yaml").write_text(FILE.replace("FOLDER", str(folder)))
        (work / "ask.py").write_text(ASK)

    def write(self, password: str) -> None:
        self.secrets.write_text(f"DB_PASSWORD='{password}'\nTLS_KEY={HANDED['in a file']}\n")
        self.secrets.chmod(0o600)

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets.env"

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=self.work, check=True)

    def say(self, *arguments: str, code: int = 0) -> str:
        ran = self.headgate(*arguments, code=code)
        self.told.append(ran.out + ran.err)
        return ran.out + ran.err

    def api(self, path: str) -> Any:
        here = json.loads((self.data / "server.json").read_text())["address"]
        asked = Request(f"{here}/api/applications/shop{path}")
        asked.add_header("Authorization", f"Bearer {(self.data / 'token').read_text().strip()}")
        with urlopen(asked, timeout=10) as answer:
            self.told.append(answer.read().decode())
        return json.loads(self.told[-1])

    def staging(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api("/environments/staging")
        return found

    def release(self, kind: str) -> None:
        (self.work / "app.py").write_text(APP.replace("KIND-OF-RELEASE", kind))
        self.git("add", ".")
        self.git("commit", "-q", "-m", kind)
        self.say("release")

    def ended(self) -> list[str]:
        return [one["outcome"] for one in self.api("/environments/staging/history")["rollouts"]]

    def stands(self, holds: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + 40
        while not holds():
            assert time.monotonic() < deadline, f"{what}: {self.say('why', 'staging')}"
            time.sleep(0.2)


@pytest.fixture
def stage(
    headgate: Run, work: Path, tmp_path: Path, data: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> Iterator[Stage]:
    with monkeypatch.context() as patched:
        for name, value in SERVERS.items():
            patched.setenv(name, value)
        server = serve("--port", "0")
        answers(server)
    made = Stage(headgate, data, work, tmp_path)
    (tmp_path / "pid").write_text(str(server.pid))
    yield made
    server.terminate()
    _, log = server.communicate(timeout=20)
    asyncio.run(take_down(data))
    assert not found(log), "the server's log"


def everything_happens(stage: Stage) -> None:
    stage.say("apply")
    stage.release("well")
    stage.stands(lambda: stage.ended() == ["promoted"], "the first is stable")
    good = stage.staging()["stable"]["release"]
    for number, kind in enumerate(("crashes", "fails its check"), start=2):
        stage.release(kind)
        stage.stands(lambda number=number: len(stage.ended()) == number, kind)
        assert stage.ended()[0] == "aborted"
        stage.say("why", "staging")
    assert stage.staging()["stable"]["release"] == good
    stage.write(HANDED["rotated"])
    stage.say("deploy", "production", good, code=1)  # its secret is not there
    stage.say("apply")
    stage.stands(lambda: stage.ended()[0] == "promoted", "the rotation")
    stage.secrets.chmod(0o644)
    stage.say("deploy", "staging", good, code=1)
    stage.secrets.chmod(0o600)


def test_nothing_leaks(stage: Stage, data: Path) -> None:
    lines, done = set[str](), threading.Event()
    sampler = threading.Thread(target=_sample, args=(lines, done))
    sampler.start()
    try:
        everything_happens(stage)
    finally:
        done.set()
        sampler.join()
    token = stage.headgate("token", "create", "--for", "releases", "--json").json()["token"]  # shown this once
    stage.say("token", "list")
    stage.say("logs", "staging", "--lines", "1000")
    build = stage.api("/builds")["builds"][0]["build"]
    assert "GATE_KEY=***" in stage.say("logs", "--build", build)
    for page in ("why", "history", "events", "traffic"):
        stage.api(f"/environments/staging/{page}")
    for page in ("", "/builds", "/pipeline", "/config?of=staging", "/notifications"):
        stage.api(page)
    assert "secret env-file:DB_PASSWORD v" in stage.say("config", "staging")
    _search(data, "\n".join(stage.told), "\n".join(lines))
    for secret in (token, (data / "token").read_text().strip()):
        assert secret not in "".join(stage.told)
        assert secret not in "".join(lines)
        assert not [one for one in _files(data) if one.name != "token" and secret.encode() in one.read_bytes()]


def found(text: str) -> list[str]:
    """Canaries in a text: as they are, in JSON, in a URL, in base64."""
    values = [*HANDED.items(), *SERVERS.items()]
    return [name for name, value in values if any(form in text for form in _forms(value.removeprefix("me:")))]


def _forms(value: str) -> list[str]:
    pairs = [b64encode((" " * before + value).encode()).decode()[4:-4] for before in range(3)]
    return [value, json.dumps(value)[1:-1], quote(value), quote(value, safe=""), *pairs]


def _search(data: Path, told: str, commands: str) -> None:
    own = _files(data)
    printed = [path for path in own if path.suffix == ".log" and "logs" in path.parts and "platforms" in path.parts]
    assert any(found(path.read_text(errors="replace")) for path in printed)  # the programs do print it
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in printed)
    leaks = {str(path): found(path.read_text(errors="replace")) for path in own if path not in printed}
    assert {path: names for path, names in leaks.items() if names} == {}
    assert found(commands) == []
    assert found(told) == []


def _files(data: Path) -> list[Path]:
    return [path for path in data.rglob("*") if path.is_file() and not path.is_symlink()]


def _sample(lines: set[str], done: threading.Event) -> None:
    """The command lines of all processes, ten times a second."""
    while not done.wait(0.1):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.add(path.read_text(errors="replace"))
            except OSError:
                continue
