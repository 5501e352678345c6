"""What it costs to record a decision durably: appends to the real event log, next to a bare fsync on the same disk.

Informational: it has no bar of its own, but a rollback waits for one append.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.report import facts, show, spread, write
from headgate.model.events import StepCompleted
from headgate.model.ids import EnvironmentId, RolloutId, environment_stream
from headgate.store.sqlite import SqliteEventLog

APPENDS = 400
STREAM = environment_stream(EnvironmentId("benchmark/production"))
EVENT = StepCompleted(RolloutId("rol_0123456789ab"), 3, "the router says 25 % go to the candidate")


def run() -> None:
    machine = facts()
    with TemporaryDirectory(prefix="headgate-bench-") as folder:
        figures = {"one fsync of 4 KiB": _syncs(Path(folder) / "bare")}
        figures |= asyncio.run(_appends(Path(folder) / "events.db"))
    write("log", machine, {"appends": APPENDS, "milliseconds": figures})
    rows = [[name, *(f"{one[kind]:.2f}" for kind in ("median", "p99", "max"))] for name, one in figures.items()]
    show("Recording a decision durably, ms", ("what", "median", "p99", "max"), rows)


def _syncs(path: Path) -> dict[str, float]:
    """What the disk itself takes: nothing durable is faster."""
    with path.open("wb", buffering=0) as file:

        def sync() -> None:
            file.write(b"x" * 4096)
            os.fsync(file.fileno())

        return spread([_timed(sync) for _ in range(APPENDS)])


def _timed(work: Callable[[], None]) -> float:
    begun = monotonic()
    work()
    return (monotonic() - begun) * 1000


async def _appends(path: Path) -> dict[str, dict[str, float]]:
    figures, version = {}, 0
    async with SqliteEventLog(path) as log:
        for count in (1, 3):
            taken = []
            for _ in range(APPENDS):
                begun = monotonic()
                version = (await log.append(STREAM, [EVENT] * count, version))[-1].version
                taken.append((monotonic() - begun) * 1000)
            figures[f"append of {count} event{'s' if count > 1 else ''}"] = spread(taken)
    return figures
