"""What a step runs in: a process of this machine, or a container. The runner does what lies before and after."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from headgate.model.builds import StepOrder
from headgate.model.ids import StepRunId

Output = Callable[[Path | None], int]  # opens what a step prints into; a path makes it a FIFO that is there by name


@dataclass(frozen=True, slots=True)
class Life:
    """How far a step has come."""

    state: Literal["running", "passed", "failed", "lost", "stopped"]
    seconds: float
    why: str = ""  # one sentence
    whole: bool = False  # it ended by itself, or never began: what is in its caches is good


class Work(Protocol):
    """Every verb is safe to repeat, and raises AdapterError where it cannot be told how a step is."""

    async def start(self, order: StepOrder, checkout: Path, output: Output) -> None: ...

    async def seen(self, step: StepRunId) -> Life | None:
        """None: its command line never began. Ended: nothing of it runs any more."""
        ...

    async def stop(self, step: StepRunId, why: str) -> None: ...

    async def stop_all(self, why: str) -> None: ...

    def log(self, step: StepRunId) -> Path: ...

    def forget(self, step: StepRunId) -> None:
        """All but its log."""
        ...

    async def close(self) -> None:
        """Look away: what runs goes on."""
        ...
