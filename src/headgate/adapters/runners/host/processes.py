"""Steps as processes of this machine, with an environment of their own and none of the server's."""

from collections.abc import Callable
from pathlib import Path

from headgate.adapters.machine.commands import CommandLine, Commands
from headgate.adapters.machine.folders import private
from headgate.adapters.machine.spawn import inherited
from headgate.adapters.runners.steps.variables import told
from headgate.adapters.runners.steps.work import Life, Output
from headgate.model.builds import StepOrder
from headgate.model.ids import StepRunId


class Processes:
    def __init__(self, data: Path, changed: Callable[[str], None]) -> None:
        """`changed` is told the step that has ended."""
        self._commands = Commands(private(data / "commands"), changed)

    async def start(self, order: StepOrder, checkout: Path, output: Output) -> None:
        line = CommandLine(order.id, order.step.run, checkout, variables(order, checkout), order.step.timeout)
        self._commands.start(line, lambda: output(None))

    async def seen(self, step: StepRunId) -> Life | None:
        command = self._commands.seen(step)
        if command is None:
            return None
        why = command.detail.partition("; last lines: ")[0]
        return Life(command.state, command.seconds, why, self._commands.path(step, "exit").exists())

    async def stop(self, step: StepRunId, why: str) -> None:
        self._commands.stop(step, why)

    async def stop_all(self, why: str) -> None:
        for path in self._commands.folder.glob("*.json"):
            self._commands.stop(path.stem, why)

    def log(self, step: StepRunId) -> Path:
        return self._commands.log(step)

    def forget(self, step: StepRunId) -> None:
        self._commands.forget(step)

    async def close(self) -> None:
        self._commands.close()


def variables(order: StepOrder, checkout: Path) -> dict[str, str]:
    home = checkout.parent
    return {
        **inherited(),
        "HOME": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
        "GIT_CEILING_DIRECTORIES": str(home),  # a checkout is no repository, nor is what lies above it
        **told(order),
    }
