"""A real server (`headgate serve`, its own process) on a temporary data folder, and a repository to release from."""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.processes import started
from headgate.adapters.platforms.process import ProcessPlatform, ProcessSettings
from headgate.adapters.traffic.envoy import EnvoyRouter, EnvoySettings
from headgate.model.ids import EnvironmentId

HEADGATE = [sys.executable, str(Path(sys.executable).with_name("headgate"))]
BY = "benchmark"


class Stage:
    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.repository = folder / "repository"
        self.pid = 0
        self._address = ""
        self._token = ""

    def command(self, *arguments: str) -> list[str]:
        return [*HEADGATE, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "HEADGATE_DATA": str(self.data)}

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Blocks. Raises RuntimeError with what the server said."""
        connection = http.client.HTTPConnection(self._address, timeout=60)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection.request(method, f"/api{path}", json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        said = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:500]}")
        found: dict[str, Any] = json.loads(said)
        return found

    async def up(self, seconds: float = 30) -> None:
        deadline = monotonic() + seconds
        while True:
            try:
                here = json.loads((self.data / "server.json").read_text())
                self._address, self.pid = here["address"].partition("://")[2], here["pid"]
                self._token = (self.data / "token").read_text().strip()
                self.ask("GET", "/health")
                return
            except OSError as error:
                if monotonic() > deadline:
                    raise RuntimeError(f"the server is not up after {seconds:.0f} s: {error}") from error
                await asyncio.sleep(0.05)

    def apply(self) -> str:
        """Returns the application's name."""
        text = (self.repository / "headgate.yaml").read_text()
        body = {"text": text, "filename": "headgate.yaml", "source": str(self.repository), "by": BY}
        return str(self.ask("POST", "/applications", body)["application"])

    def commit(self, files: dict[str, str]) -> None:
        self.repository.mkdir(exist_ok=True)
        for name, text in files.items():
            (self.repository / name).write_text(text)
        author = ["-c", "user.name=Benchmark", "-c", "user.email=benchmark@localhost", "-c", "commit.gpgsign=false"]
        begun = ["-c", "init.defaultBranch=main", "init", "-q"]
        for arguments in (begun, ["add", "."], [*author, "commit", "-q", "-m", "a version"]):
            subprocess.run(["git", *arguments], cwd=self.repository, check=True)

    async def deployed(self, application: str, environment: str, release: str, seconds: float = 90) -> dict[str, Any]:
        """Deploy it and wait until it is stable and nothing is in flight."""
        path = f"/applications/{application}/environments/{environment}"
        self.ask("POST", f"{path}/deploy", {"release": release, "by": BY})
        return await self.settled(path, release, seconds)

    async def settled(self, path: str, release: str, seconds: float = 90) -> dict[str, Any]:
        deadline = monotonic() + seconds
        while True:
            seen = self.ask("GET", path)
            if seen["stable"] and seen["stable"]["release"] == release and not seen["rollout"]:
                return seen
            if monotonic() > deadline:
                raise RuntimeError(f"{release} is not stable after {seconds:.0f} s: {json.dumps(seen)[:1500]}")
            await asyncio.sleep(0.2)


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """The server runs until the block ends; then it, its Envoy and what it deployed are ended."""
    made = Stage(folder)
    made.data.mkdir(mode=0o700)
    try:
        with started(made.command("serve", "--port", "0"), folder, made.environment):
            await made.up()
            yield made
    finally:
        await _ended(made.data)


async def _ended(data: Path) -> None:
    """What Headgate runs outlives its server by design; here the block is its end."""
    own = data / "platforms" / "process"
    platform = ProcessPlatform(ProcessSettings(data=own, releases=data / "releases"))
    for environment in _environments(own):
        await platform.stop_all(EnvironmentId(environment))
    await platform.close()
    await EnvoyRouter(EnvoySettings(folder=data / "envoy")).close(stop=True)


def _environments(own: Path) -> list[str]:
    return sorted(f"{path.parent.name}/{path.name}" for path in own.glob("environments/*/*"))
