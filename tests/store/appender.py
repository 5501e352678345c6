"""A process that appends until it is killed. Prints a version once it was acknowledged. Usage: PATH STREAM [COUNT]"""

import asyncio
import sys
from pathlib import Path

from headgate.model.events import StepCompleted
from headgate.model.ids import RolloutId
from headgate.ports import Conflict
from headgate.store.sqlite import SqliteEventLog


async def main(path: Path, stream: str, count: int) -> None:
    async with SqliteEventLog(path) as log:
        version = len(await log.read(stream))
        print("ready", flush=True)
        for _ in range(count):
            event = StepCompleted(RolloutId("rol_1"), version, "x" * 200)
            try:
                appended = await log.append(stream, [event], after=version)
            except Conflict:
                version = len(await log.read(stream))
                print("conflict", flush=True)
            else:
                version = appended[-1].version
                print(version, flush=True)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000))
