"""A server for tests that is killed in the middle: `python server.py FOLDER IMAGE WHAT`. Prints `done`, waits.

WHAT: `run`, `stop`, or where in a start it kills itself: `before-create`, `before-start`, `after-start`.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.adapters.platforms.docker.stage import PRODUCTION, DockerStage

from headgate.adapters.docker_engine import DockerEngine

ASKED = {"before-create": "/containers/create", "before-start": "/start"}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(where: str) -> None:
    ask = DockerEngine.json

    async def json(self: DockerEngine, method: str, path: str, *rest: Any, **named: Any) -> Any:
        if where in ASKED and path.endswith(ASKED[where]):
            die()
        answer = await ask(self, method, path, *rest, **named)
        if where == "after-start" and path.endswith("/start"):
            die()
        return answer

    DockerEngine.json = json  # type: ignore[method-assign]


async def serve(folder: Path, image: str, what: str) -> None:
    stage = DockerStage(folder)
    stage.image = image
    revision = stage.revision("one", behaviour="slow to stop" if what == "stop" else "well")
    die_at(what)
    await stage.platform.run(revision)
    while (await stage.platform.observe(PRODUCTION))[0].state != "ready":
        await asyncio.sleep(0.02)
    if what == "stop":
        await stage.platform.stop(PRODUCTION, revision.id)
    print("done", flush=True)
    await asyncio.sleep(60)


asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
