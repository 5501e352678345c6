"""The load as the driver sees it: started, ended, and read for what it tells about each switch."""

import asyncio
import sys
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

RATE = 1500  # requests per second
FIELDS = 3  # due, answered, version


@dataclass
class Flow:
    """Every request of one load, by the time of its answer."""

    answers: list[tuple[float, str]] = field(default_factory=list)  # (answered, version)
    latencies: list[float] = field(default_factory=list)  # seconds from due to answered
    failed: int = 0

    @property
    def requests(self) -> int:
        return len(self.answers) + self.failed

    def read(self, file: Path) -> None:
        records = array("d")
        records.frombytes(file.read_bytes())
        for at in range(0, len(records), FIELDS):
            due, answered, version = records[at : at + FIELDS]
            if version:
                self.answers.append((answered, chr(int(version))))
                self.latencies.append(answered - due)
            else:
                self.failed += 1
        self.answers.sort()


@asynccontextmanager
async def flowing(port: int, limit: int, rate: int = RATE) -> AsyncIterator[Flow]:
    """Requests flow to the port until the block ends; after it the Flow is filled."""
    flow = Flow()
    with TemporaryDirectory(prefix="headgate-bench-") as folder:
        file = Path(folder) / "records"
        arguments = [sys.executable, "-m", "benchmarks.load", str(port), str(rate), str(limit), str(file)]
        load = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert load.stdin is not None
        assert load.stdout is not None
        if not await load.stdout.readline():
            raise RuntimeError(f"the load could not connect to port {port}")
        try:
            yield flow
        finally:
            load.stdin.close()
            await asyncio.wait_for(load.wait(), 30)
        flow.read(file)


def last_answers(flow: Flow, switches: list[tuple[float, str]], end: float) -> list[tuple[float, bool]]:
    """For each (command, new version): seconds to the last answer of another version, and whether the new one answered.

    Both before the next command. Where the new version did not answer, the seconds are the least that it took.
    """
    found = []
    borders = [at for at, _ in switches[1:]] + [end]
    for (command, new), border in zip(switches, borders, strict=True):
        between = [(at, version) for at, version in flow.answers if command <= at < border]
        last = max((at - command for at, version in between if version != new), default=0.0)
        found.append((last, any(version == new for _, version in between)))
    return found
