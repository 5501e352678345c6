"""A real Prometheus is held to the seam of single numbers."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest
from tests.adapters.metrics.prometheus.server import PrometheusServer

from headgate.adapters.metrics.prometheus.values import PrometheusValues
from headgate.model.measurements import NoData
from headgate.testing.contracts.values import MINUTE, ValueSourceContract

pytestmark = pytest.mark.real("prometheus")


class ExpressionStage:
    """Its world is arithmetic."""

    nothing = 'vector(1) > 2 and on() vector(time()) == -1'

    def __init__(self, server: PrometheusServer) -> None:
        self.server = server
        self.values = PrometheusValues()
        self.settings = {"url": server.url}

    async def answers(self) -> None:
        """It takes a moment to start."""
        give_up = monotonic() + 20
        while isinstance(found := await self.values.value("1", self.settings, MINUTE), NoData):
            assert monotonic() < give_up, found
            await asyncio.sleep(0.05)

    async def holds(self, number: float) -> str:
        return f"vector({number})"

    async def go_blind(self) -> None:
        self.server.kill()


class TestPrometheusValues(ValueSourceContract):
    @pytest.fixture
    async def stage(self, request: pytest.FixtureRequest) -> AsyncIterator[ExpressionStage]:
        name = "fresh" if "down" in request.node.name else "shared"
        made = ExpressionStage(request.getfixturevalue(name))
        await made.answers()
        yield made
        await made.values.close()


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("1 + 1", 2.0),
        ('vector(1) or label_replace(vector(2), "a", "b", "", "")', "finds 2 series: aggregate them"),
        ("vector(0) / vector(0)", "no number (a division by nothing?)"),
        ("up[5m]", "finds nothing"),
        ("sum(", "refused"),
    ],
)
async def test_expressions(shared: PrometheusServer, expression: str, found: float | str) -> None:
    stage = ExpressionStage(shared)
    await stage.answers()
    read = await stage.values.value(expression, stage.settings, MINUTE)
    await stage.values.close()
    if isinstance(found, str):
        assert isinstance(read, NoData)
        assert found in read.reason
    else:
        assert read == found


async def test_without_an_address_it_says_what_to_write() -> None:
    assert isinstance(await PrometheusValues().value("1", {}, MINUTE), NoData)
    assert isinstance(await PrometheusValues().value("1", {"url": "http://"}, MINUTE), NoData)
