"""What every value source must hold. Subclass, and give a fixture `stage`: a source, and a world for it to read."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from headgate.model.measurements import NoData, Window
from headgate.ports import ValueSource

NOW = datetime.now(UTC)
MINUTE = Window(NOW - timedelta(minutes=1), NOW)


class Stage(Protocol):
    values: ValueSource
    settings: Mapping[str, str]  # as the file would give them
    nothing: str  # an expression that is well formed and finds nothing

    async def holds(self, number: float) -> str:
        """The world is changed so that an expression, which is returned, is worth this number."""
        ...

    async def go_blind(self) -> None:
        """What the source reads from is no longer there."""
        ...


async def read(stage: Stage, expression: str, settings: Mapping[str, str] | None = None) -> float | NoData:
    return await stage.values.value(expression, stage.settings if settings is None else settings, MINUTE)


class ValueSourceContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: a source, and a world for it to read")

    @pytest.mark.parametrize("number", [0.0, 1.0, -2.5, 0.0125, 1e9])
    async def test_a_number_is_read(self, stage: Stage, number: float) -> None:
        found = await read(stage, await stage.holds(number))
        assert found == pytest.approx(number), found

    async def test_what_changes_is_read_anew(self, stage: Stage) -> None:
        assert await read(stage, await stage.holds(3)) == 3
        assert await read(stage, await stage.holds(4)) == 4

    async def test_nothing_found_is_no_data_and_never_zero(self, stage: Stage) -> None:
        found = await read(stage, stage.nothing)
        assert isinstance(found, NoData)
        assert found.reason

    async def test_a_number_that_is_none_is_no_data(self, stage: Stage) -> None:
        for number in (float("nan"), float("inf")):
            assert isinstance(await read(stage, await stage.holds(number)), NoData)

    @pytest.mark.parametrize("expression", ["", "((", "\x00", "]" * 5000])
    async def test_an_expression_that_is_none_is_no_data(self, stage: Stage, expression: str) -> None:
        found = await read(stage, expression)
        assert isinstance(found, NoData)
        assert found.reason

    async def test_a_source_that_is_down_is_no_data(self, stage: Stage) -> None:
        expression = await stage.holds(1)
        await stage.go_blind()
        found = await read(stage, expression)
        assert isinstance(found, NoData)
        assert found.reason
