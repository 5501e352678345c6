"""kill -9 Envoy: it comes back with the same routes, and only what was sent while it was away fails."""

import asyncio
from time import monotonic

import pytest
from tests.faults import processes
from tests.faults.stage import Stage

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]

OUTAGE = 2.0  # seconds at most, on a machine that is busy with other things too


async def test_killed_while_nothing_rolls_out_it_comes_back_at_once(stage: Stage) -> None:
    await stage.serves("v1")
    await asyncio.sleep(1)  # whoever looks only now and then has just looked
    back, killed = await kill_envoy(stage)
    await stage.well("v1")
    assert stage.load is not None
    await stage.load.stop()
    stage.note(f"outage {back - killed:.2f} s, {len(stage.load.failed())} requests failed")
    assert back - killed < OUTAGE
    assert [str(one) for one in stage.load.failed() if not killed - 0.1 <= one.done <= back] == []


@pytest.mark.parametrize("phase", ["weight 50", "bake"])
async def test_killed_in_a_rollout_it_comes_back_and_the_rollout_goes_on(stage: Stage, phase: str) -> None:
    await stage.serves("v1")
    await stage.deploy("v2")
    await stage.phase(phase)
    back, killed = await kill_envoy(stage)
    assert await stage.ended() == "promoted"
    await stage.well("v2")
    assert stage.load is not None
    await stage.load.stop()
    stage.note(f"outage {back - killed:.2f} s, {len(stage.load.failed())} requests failed")
    assert back - killed < OUTAGE
    assert [str(one) for one in stage.load.failed() if not killed - 0.1 <= one.done <= back] == []


async def kill_envoy(stage: Stage) -> tuple[float, float]:
    """Until users are answered again. Moments of that and of the kill, monotonic seconds."""
    pid = processes.envoy(stage.data)
    assert pid is not None
    killed = monotonic()
    processes.kill(pid)
    back = await stage.answered()
    assert processes.envoy(stage.data) not in (pid, None)
    return back, killed
