"""The real command, and a server on fakes for it to speak to."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.web.world import TOKEN, Shop
from tests.web.world import shop as opened

from headgate.web.server import listen

HEADGATE = [sys.executable, "-c", "import sys; from headgate.cli.main import main; sys.exit(main())"]


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


@pytest.fixture
def headgate(data: Path, work: Path) -> Run:
    def run(*arguments: str | bytes, code: int = 0, cwd: Path = work, **environment: str) -> Ran:
        given = {**os.environ, "HEADGATE_DATA": str(data), "COLUMNS": "100", **environment}
        given.pop("HEADGATE_APPLICATION", None)
        done = subprocess.run([*HEADGATE, *arguments], cwd=cwd, env=given, capture_output=True, timeout=30, check=False)
        ran = Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
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

    async def _serve(self, started: threading.Event) -> None:
        listening = listen("127.0.0.1", 0)
        api = self.shop.api()
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
    from tests.web.world import FILE

    (work / "headgate.yaml").write_text(FILE)
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=work, check=True, timeout=30)
    return work
