"""Headgate as a user has it: `headgate serve` with a Docker Engine, a registry, git and Envoy, all of them real."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeVar

from tests.adapters.registries.proxy import Proxy, proxied
from tests.adapters.registries.server import RegistryServer
from tests.faults import processes
from tests.faults.docker import python_image
from tests.faults.docker.engine import OwnEngine

PROGRAM = Path(sys.executable).with_name("headgate")
HOOK_SECRET = "open sesame, for tests only"
PATIENCE = 60.0  # seconds that anything may take
Found = TypeVar("Found")


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self._server: subprocess.Popen[bytes] | None = None
        with ExitStack() as begun:  # what was started ends also where the next thing does not start
            self.engine = begun.enter_context(closing(OwnEngine()))
            self.registry = RegistryServer(folder / "registry")
            begun.callback(self.registry.stop)
            self.fence = begun.enter_context(closing(Fence(self.registry.url)))
            begun.callback(self._end_all)
            self._import()
            self.serve()
            self._begun = begun.pop_all()

    def _import(self) -> None:
        """What all images here stand on. Pushed once: what comes later, several at a time, finds it there."""
        says = [part for one in python_image.changes() for part in ("--change", one)]
        self.engine.docker("import", *says, "-", python_image.NAME, given=python_image.root())
        there = f"{self.fence.url.removeprefix('http://')}/{python_image.NAME}"
        self.engine.docker("tag", python_image.NAME, there)
        self.engine.docker("push", there)

    # --- the server

    def serve(self) -> None:
        command = [PROGRAM, "serve", "--data", self.data, "--port", "0"]
        given = {**os.environ, "DOCKER_HOST": self.engine.host, "HEADGATE_HOOK_SECRET": HOOK_SECRET}
        with (self.folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(command, env=given, stdout=log, stderr=log, start_new_session=True)
        self.until(self._answers, "the server answers")

    def _answers(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, self.log()
        return self.here().get("pid") == self._server.pid and "applications" in self.ask("")

    def kill_server(self) -> None:
        assert self._server is not None
        self._server.kill()
        self._server.wait(10)

    def here(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.data / "server.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    # --- asking it

    def headgate(self, *arguments: str, cwd: Path, code: int | None = 0, patience: float = PATIENCE) -> str:
        """The real command line: all that it prints."""
        given = {**os.environ, "HEADGATE_DATA": str(self.data), "COLUMNS": "200"}
        done = subprocess.run(
            [PROGRAM, *arguments], cwd=cwd, env=given, capture_output=True, text=True, timeout=patience, check=False
        )
        said = done.stdout + done.stderr
        assert code in (None, done.returncode), f"{arguments}: {done.returncode}: {said}"
        assert "Traceback" not in said
        return said

    def ask(self, path: str) -> dict[str, Any]:
        token = (self.data / "token").read_text().strip()
        asked = urllib.request.Request(
            f"{self.here()['address']}/api/applications{path}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def until(self, true: Callable[[], Found], what: str, patience: float = PATIENCE) -> Found:
        give_up = time.monotonic() + patience
        while not (found := self._tried(true)):
            assert time.monotonic() < give_up, f"waited {patience:.0f} s in vain until {what}\n{self.log()[-3000:]}"
            time.sleep(0.1)
        return found

    @staticmethod
    def _tried(true: Callable[[], Found]) -> Found | None:
        try:
            return true()
        except (OSError, KeyError):
            return None

    def stable(self, application: str, environment: str, label: str, patience: float = PATIENCE) -> dict[str, Any]:
        """Once it is stable there with nothing in flight: how the environment looks."""

        def there() -> dict[str, Any] | None:
            view = self.ask(f"/{application}/environments/{environment}")
            rests = view["stable"] and view["stable"]["label"] == label and view["rollout"] is None
            return view if rests else None

        found = self.until(there, f"{label} is stable in {environment}", patience)
        assert found is not None
        return found

    def address(self, application: str, environment: str, service: str = "web") -> str:
        """Behind Envoy."""
        public = self.ask(f"/{application}/environments/{environment}")["addresses"][service]["public"]
        return str(public)

    def running(self, application: str, environment: str) -> dict[str, set[str]]:
        """Of each service, the images by digest that its containers run: the engine is asked, not Headgate."""
        wanted = [f"label=headgate.application={application}", f"label=headgate.environment={environment}"]
        listed = self.engine.docker("ps", "--quiet", *(part for one in wanted for part in ("--filter", one))).split()
        found: dict[str, set[str]] = {}
        for one in json.loads(self.engine.docker("inspect", *listed)) if listed else []:
            image = json.loads(self.engine.docker("image", "inspect", one["Image"]))[0]
            digests = {name.partition("@")[2] for name in image["RepoDigests"]}
            found.setdefault(one["Config"]["Labels"]["headgate.service"], set()).update(digests)
        return found

    def _end_all(self) -> None:
        if self._server is not None:
            self.kill_server()
        left = processes.end_all(self.folder)
        assert left == [], f"these processes would not end: {left}"

    def close(self) -> None:
        self._begun.close()


class Fence:
    """A proxy before the registry, in a thread of its own: what passes it may be slowed down, refused or changed."""

    def __init__(self, behind: str) -> None:
        self.proxy = Proxy(behind)
        self._loop, started = asyncio.new_event_loop(), threading.Event()
        self._ended: asyncio.Event = asyncio.Event()

        async def stand() -> None:
            async with proxied(behind) as self.proxy:
                started.set()
                await self._ended.wait()

        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(stand()), daemon=True)
        self._thread.start()
        assert started.wait(10)

    @property
    def url(self) -> str:
        return self.proxy.url

    def open(self) -> None:
        """Nothing is done to anything any more, and what was held up goes on."""
        self.proxy.rule, self.proxy.refuse, self.proxy.hold = None, lambda request: None, lambda request: False
        self._loop.call_soon_threadsafe(self.proxy.go_on.set)

    def hold(self, path: str, *methods: str) -> None:
        """What has that in its path is not answered until it is open again."""
        self.proxy.held, self.proxy.go_on = asyncio.Event(), asyncio.Event()
        self.proxy.hold = lambda request: path in request.path and request.method in methods

    def close(self) -> None:
        self.open()
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)


class Tree:
    """A git repository with an application in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *who, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text, path
        self.write(path, text.replace(old, new))

    def commit(self, subject: str, tag: str = "") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)
        if tag:
            self.git("tag", "--", tag)
        return self.git("rev-parse", "HEAD")


def get(url: str) -> tuple[int, str]:
    """Status and text; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)


class Visitors:
    """Some fifty requests a second, each on a connection of its own; what they are answered is kept."""

    def __init__(self, address: str) -> None:
        self.address, self._ended = address, threading.Event()
        self.answers: list[tuple[int, str]] = []
        self._threads = [threading.Thread(target=self._visit) for _ in range(2)]

    def _visit(self) -> None:
        while not self._ended.wait(0.04):
            self.answers.append(get(self.address))

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
