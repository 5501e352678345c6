"""A host runner in a temporary folder, with checkouts of a few files."""

import asyncio
import os
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headgate.adapters.machine.identity import members
from headgate.adapters.runners.host import HostRunner
from headgate.adapters.runners.steps.settings import StepSettings
from headgate.model.builds import Build, CiStep, StepOrder, StepSeen
from headgate.model.ids import BuildId, StepRunId, step_run_id
from headgate.testing.contracts.runner import Ending, over

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
COMMANDS = {"passes": "echo fine", "fails": "echo wrong; exit 7", "goes on": "sleep 60"}


def build(**changes: Any) -> Build:
    fields: dict[str, Any] = {
        "id": BuildId("bld_1"), "application": "shop", "commit": "c" * 40, "branch": "main", "author": "Ann",
        "subject": "Change", "version": None, "requested_at": NOW,
    }  # fmt: skip
    return Build(**{**fields, **changes})


class HostStage:
    def __init__(self, folder: Path, secrets: tuple[str, ...] = (), **settings: Any) -> None:
        self.folder, self.secrets = folder, secrets
        self.settings = StepSettings(data=folder / "data", **settings)
        self.changed: list[str] = []
        self.runner = self._made()

    def _made(self) -> HostRunner:
        return HostRunner(self.settings, lambda: self.secrets, self.changed.append)

    def order(self, ending: Ending | str, attempt: int = 1, **more: Any) -> StepOrder:
        """`ending`, or a command line."""
        given = {name: more.pop(name) for name in ("after",) if name in more}
        made = build(**{name: more.pop(name) for name in ("id", "branch", "version") if name in more})
        step = CiStep(more.pop("name", "test"), COMMANDS.get(ending, ending), **more)
        return StepOrder(step_run_id(made.id, step.name, attempt), made, step, **given)

    def checkout(self, order: StepOrder) -> Path:
        folder = self.folder / "checkouts" / order.id / "source"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "app.py").write_text("print('hello')\n")
        return folder

    async def run(self, line: str, **more: Any) -> StepSeen:
        order = self.order(line, **more)
        await self.runner.start(order, self.checkout(order))
        return await over(self, order)

    async def printed(self, step: str = "bld_1.test.1", follow: bool = False) -> list[str]:
        return [line async for line in self.runner.logs(StepRunId(step), follow)]

    async def restart(self) -> None:
        await self.runner.close()
        self.runner = self._made()

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def clear(self) -> None:
        await self.runner.stop_all()
        await self.runner.close()
        for mark in ("bld_",):
            for process in members(mark):
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
