"""A server for tests that is killed in the middle: `python server.py FOLDER WHAT`. Prints `done`, waits for its death.

WHAT: `run`, `stop`, `job COMMAND`, `migrate COMMAND`, or where in a start it kills itself: `before-record`,
`before-spawn`, `before-pid`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.adapters.platforms.process.stage import PRODUCTION, ProcessStage

from headgate.adapters.platforms.process import instances


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(where: str) -> None:
    save: Callable[..., None] = instances.save
    if where == "before-record":
        instances.save = die
    elif where == "before-spawn":
        instances.spawn = die  # type: ignore[assignment]
    elif where == "before-pid":
        instances.save = lambda record, path: die() if record.process else save(record, path)


async def serve(folder: Path, what: str, command: str) -> None:
    stage = ProcessStage(folder)
    revision = stage.revision("one", behaviour="slow to stop" if what == "stop" else "well")
    die_at(what)
    await stage.platform.run(revision)
    while (await stage.platform.observe(PRODUCTION))[0].state != "ready":
        await asyncio.sleep(0.02)
    if what == "stop":
        await stage.platform.stop(PRODUCTION, revision.id)
    if what == "job":
        await stage.platform.run_job(stage.command("rol_1-1-1", revision, command))
    if what == "migrate":
        await stage.platform.migrate(stage.order("migration-web-1-1", revision, "passes", command))
    print("done", flush=True)
    await asyncio.sleep(60)


asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], " ".join(sys.argv[3:])))
