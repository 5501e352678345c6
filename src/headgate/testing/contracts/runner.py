"""What every runner must hold. A stage gives the runner, and steps that end as asked."""

from pathlib import Path
from typing import Literal, Protocol

import pytest

from headgate.model.builds import StepOrder, StepSeen
from headgate.model.ids import StepRunId
from headgate.ports import Runner

Ending = Literal["passes", "fails", "goes on"]


class Stage(Protocol):
    runner: Runner

    def order(self, ending: Ending, attempt: int = 1) -> StepOrder: ...

    def checkout(self, order: StepOrder) -> Path:
        """A fresh one."""
        ...

    async def restart(self) -> None:
        """The server ends and another one begins; what runs goes on."""
        ...

    async def wait(self, seconds: float) -> None: ...


class RunnerContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: a runner and what is needed to use it")

    async def test_what_was_never_started_is_not_there(self, stage: Stage) -> None:
        assert await stage.runner.observe(StepRunId("bld_none.test.1")) is None

    @pytest.mark.parametrize(("ending", "state"), [("passes", "passed"), ("fails", "failed")])
    async def test_a_step_ends_as_it_ends(self, stage: Stage, ending: Ending, state: str) -> None:
        order = stage.order(ending)
        await stage.runner.start(order, stage.checkout(order))
        assert (await over(stage, order)).state == state

    async def test_it_runs_until_it_ends(self, stage: Stage) -> None:
        order = stage.order("goes on")
        await stage.runner.start(order, stage.checkout(order))
        assert (await seen(stage, order)).state == "running"

    async def test_started_twice_is_started_once(self, stage: Stage) -> None:
        order = stage.order("passes")
        await stage.runner.start(order, stage.checkout(order))
        first = await over(stage, order)
        await stage.runner.start(order, stage.checkout(order))
        assert await seen(stage, order) == first

    async def test_stopped_it_is_cancelled_and_never_passed(self, stage: Stage) -> None:
        order = stage.order("goes on")
        await stage.runner.start(order, stage.checkout(order))
        await stage.runner.stop(order.id, "a newer commit")
        found = await over(stage, order)
        assert (found.state, found.why) == ("cancelled", "a newer commit")

    async def test_what_has_ended_cannot_be_stopped(self, stage: Stage) -> None:
        order = stage.order("fails")
        await stage.runner.start(order, stage.checkout(order))
        await over(stage, order)
        await stage.runner.stop(order.id, "too late")
        assert (await seen(stage, order)).state == "failed"

    async def test_stopping_what_is_not_there_is_nothing(self, stage: Stage) -> None:
        await stage.runner.stop(StepRunId("bld_none.test.1"), "so")
        assert await stage.runner.observe(StepRunId("bld_none.test.1")) is None

    async def test_another_attempt_is_another_step(self, stage: Stage) -> None:
        first, second = stage.order("fails"), stage.order("passes", attempt=2)
        for order in (first, second):
            await stage.runner.start(order, stage.checkout(order))
        assert [(await over(stage, order)).state for order in (first, second)] == ["failed", "passed"]

    async def test_a_new_server_finds_it(self, stage: Stage) -> None:
        running, ended = stage.order("goes on"), stage.order("passes", attempt=2)
        for order in (running, ended):
            await stage.runner.start(order, stage.checkout(order))
        before = await over(stage, ended)
        await stage.restart()
        assert (await seen(stage, running)).state == "running"
        assert await seen(stage, ended) == before


async def seen(stage: Stage, order: StepOrder) -> StepSeen:
    found = await stage.runner.observe(order.id)
    assert found is not None
    return found


async def over(stage: Stage, order: StepOrder) -> StepSeen:
    for _ in range(200):
        found = await seen(stage, order)
        if found.state != "running":
            return found
        await stage.wait(0.05)
    raise AssertionError(f"{order.id} did not end")
