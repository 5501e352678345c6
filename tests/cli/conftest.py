"""The real command, and a server on fakes for it to speak to."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from tests.cli.forked import Fork
from tests.web.world import FILE, PRESENT, TOKEN, Shop
from tests.web.world import shop as opened

from headgate.engine import applying
from headgate.model.rollouts import EnvironmentState
from headgate.web.server import listen

T = TypeVar("T")
HEADGATE = [sys.executable, "-c", "import sys; from headgate.cli.main import main; sys.exit(main())"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A server, or a log of whole rollouts, and several starts of Python: seconds each, so not in `make check`."""
    for item in items:
        if {"served", "recorded"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@dataclass
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where commands are run."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def fork() -> Iterator[Fork]:
    forking = Fork()
    yield forking
    forking.close()


@pytest.fixture
def headgate(data: Path, work: Path, tmp_path: Path, fork: Fork) -> Run:
    streams = (tmp_path / "stdout", tmp_path / "stderr")

    def run(*arguments: str | bytes, code: int = 0, cwd: Path = work, **environment: str) -> Ran:
        given = {**os.environ, "HEADGATE_DATA": str(data), "COLUMNS": "100", **environment}
        given.pop("HEADGATE_APPLICATION", None)
        for stream in streams:
            stream.write_bytes(b"")
        if fork.takes(environment):
            ended = fork.run([os.fsdecode(one) for one in arguments], cwd, given, *streams)
        else:
            out, err = (stream.open("wb") for stream in streams)
            with out, err:
                command = [*HEADGATE, *arguments]
                done = subprocess.run(command, cwd=cwd, env=given, stdout=out, stderr=err, timeout=30, check=False)
            ended = done.returncode
        ran = Ran(ended, *(stream.read_bytes().decode(errors="replace") for stream in streams))
        assert ran.code == code, (arguments, ran)
        assert "Traceback" not in ran.err, ran.err
        return ran

    return run


@dataclass
class Served:
    """A server in a thread of its own."""

    shop: Shop
    data: Path
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve(started))

    def do(self, asked: Coroutine[Any, Any, T]) -> T:
        """On the server's own loop."""
        return asyncio.run_coroutine_threadsafe(asked, self.loop).result(10)

    def apply(self, repository: Path, text: str) -> None:
        understood = applying.understand(text, "headgate.yaml", str(repository.resolve()), PRESENT)
        self.do(applying.apply(self.shop.engine, understood, "ann"))

    def release(self) -> None:
        self.do(self.shop.engine.release("shop", "HEAD", "ann"))

    def deploy(self, environment: str, release: str, until: Callable[[EnvironmentState], object] | None = None) -> None:
        """Returns once the state is as it should be: by itself, once nothing is in flight any more."""
        self.do(self.shop.engine.deploy("shop", environment, release, "ann"))
        wheel = self.shop.engine.application("shop").wheel(environment)
        self.until(lambda: until(wheel.state) if until else wheel.state.rollout is None)

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < deadline, holds
            time.sleep(0.01)

    async def _serve(self, started: threading.Event) -> None:
        listening = listen("127.0.0.1", 0)
        api = self.shop.api(self.data)
        self.server = uvicorn.Server(uvicorn.Config(api, http="h11", log_config=None, lifespan="off"))
        (self.data / "token").write_text(TOKEN)
        here = {"address": f"http://127.0.0.1:{listening.getsockname()[1]}", "pid": os.getpid()}
        (self.data / "server.json").write_text(json.dumps(here))
        await self.shop.engine.start()
        started.set()
        await self.server.serve([listening])
        await self.shop.engine.stop()


@pytest.fixture
def served(data: Path, tmp_path: Path) -> Iterator[Served]:
    server, started = Served(opened(tmp_path), data), threading.Event()
    thread = threading.Thread(target=server.run, args=(started,))
    thread.start()
    assert started.wait(10)
    yield server
    server.server.should_exit = True
    thread.join(10)


@pytest.fixture
def repository(work: Path, served: Served) -> Path:
    """The working folder as a git repository with the shop's file; the fake source knows it by its path."""
    (work / "headgate.yaml").write_text(FILE)
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=work, check=True, timeout=30)
    return work
