"""The fake runner holds what every runner must, so that what is tested with it holds with a real one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.model.builds import Build, CiStep, StepOrder, StepSeen
from headgate.model.ids import BuildId, step_run_id
from headgate.testing.contracts.runner import Ending, RunnerContract
from headgate.testing.fakes.runner import FakeRunner

BUILD = Build(BuildId("bld_1"), "shop", "c" * 40, "main", "Ann", "Change", None, datetime(2026, 3, 2, tzinfo=UTC))


class Runner(FakeRunner):
    """Steps end as their command lines say."""

    async def start(self, order: StepOrder, checkout: Path) -> None:
        await super().start(order, checkout)
        state = {"passes": "passed", "fails": "failed"}.get(order.step.run, "running")
        self.seen[order.id] = StepSeen(order.id, state)  # type: ignore[arg-type]


@dataclass
class FakeStage:
    runner: Runner = field(default_factory=Runner)

    def order(self, ending: Ending, attempt: int = 1) -> StepOrder:
        return StepOrder(step_run_id(BUILD.id, "test", attempt), BUILD, CiStep("test", ending))

    def checkout(self, order: StepOrder) -> Path:
        return Path("nowhere")

    async def restart(self) -> None:
        """The fake is itself the world that outlives the server."""

    async def wait(self, seconds: float) -> None:
        """Nothing takes time here."""


class TestFakeRunner(RunnerContract):
    @pytest.fixture
    def stage(self) -> FakeStage:
        return FakeStage()
