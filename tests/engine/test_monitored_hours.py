"""The example's production, an hour after a promotion: by the whole engine, its own file and a log on disk."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.hours import Hours, hours

from headgate.model import events as e

EXAMPLE = Path(__file__).parents[2] / "examples" / "pcw" / "headgate.yaml"
HOUR = timedelta(hours=1)


@pytest.fixture
async def pcw(tmp_path: Path) -> AsyncIterator[Hours]:
    """v2 has come through staging, past QA, and is stable in production."""
    async with hours(tmp_path / "events.db") as one:
        await one.apply(EXAMPLE.read_text())
        for version in ("v1", "v2"):
            await carried_to_production(one, version)
        yield one


async def carried_to_production(one: Hours, version: str) -> None:
    await one.commit(version)
    await one.engine.deploy("pcw", "qa", version, "tester")
    await one.until(lambda: one.serves("qa", version) and one.serves("staging", version))
    await one.engine.sign_off("pcw", "qa", version, "tester", "accepted", "looks right")
    await one.until(lambda: one.serves("production", version))


async def test_an_hour_after_its_promotion_through_a_restart(pcw: Hours) -> None:
    await pcw.live(HOUR / 2)
    await pcw.restart()
    await pcw.live(HOUR / 2)
    pcw.failing["v2"] = 0.2
    took = await pcw.until(lambda: pcw.serves("production", "v1"))
    assert took < timedelta(minutes=2)
    assert pcw.router.routes[pcw.state("production").id].weight(pcw.state("production").stable.id) == 100
    started = [one for one in await pcw.events("production") if isinstance(one, e.RolloutStarted)][-1]
    assert (started.kind, started.by) == ("rollback", "headgate")
    assert list(pcw.application.state.quarantined) == [pcw.application.release("v2").id]
    assert pcw.serves("staging", "v2")
