"""A runner in memory: steps that end when a test says so."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from headgate.model.builds import StepOrder, StepSeen
from headgate.model.ids import StepRunId
from headgate.ports import AdapterError


class FakeRunner:
    def __init__(self) -> None:
        self.orders: dict[StepRunId, StepOrder] = {}  # all that were ever started
        self.seen: dict[StepRunId, StepSeen] = {}
        self.printed: dict[StepRunId, list[str]] = {}
        self.down: str | None = None  # why nothing can be asked now
        self.passing = False  # steps pass as soon as they start

    async def start(self, order: StepOrder, checkout: Path) -> None:
        self._reach()
        if order.id not in self.orders:
            self.orders[order.id] = order
            self.seen[order.id] = StepSeen(order.id, "passed" if self.passing else "running")

    async def observe(self, step: StepRunId) -> StepSeen | None:
        self._reach()
        return self.seen.get(step)

    async def stop(self, step: StepRunId, why: str) -> None:
        self._reach()
        if step in self.seen and self.seen[step].state == "running":
            self.seen[step] = StepSeen(step, "cancelled", why=why)

    async def logs(self, step: StepRunId, follow: bool) -> AsyncIterator[str]:
        self._reach()
        for line in self.printed.get(step, []):
            yield line

    # --- what a test does to it

    def end(self, name: str, state: str, **told: Any) -> None:
        """The latest attempt of the step so called."""
        step = [one for one in self.orders if one.split(".")[1] == name][-1]
        self.seen[step] = replace(StepSeen(step, state), **told)  # type: ignore[arg-type]

    def running(self) -> list[str]:
        return sorted(step.split(".")[1] for step, seen in self.seen.items() if seen.state == "running")

    def _reach(self) -> None:
        if self.down:
            raise AdapterError(self.down)
