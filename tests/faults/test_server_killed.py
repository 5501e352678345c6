"""kill -9 the server in every phase of a rollout, under load, and start it again: nobody outside notices."""

import asyncio
from time import monotonic

import pytest
from tests.faults import processes
from tests.faults.stage import Stage

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]

DEAD = 0.7  # seconds that the server is away
# A good candidate; slow enough to be met on its way.
SLOW = {"ready_after": 0.4, "smoke_takes": 0.8}

# Phases of one rollout, and how long after its beginning the server is killed in each, seconds.
ROLLOUTS = [
    [("start", 0.0), ("await ready", 0.2), ("check smoke (preview)", 0.4)],
    [("await ready", 0.0), ("weight 20", 0.0), ("analyze", 0.6)],
    [("weight 50", 0.0), ("weight 100", 0.0), ("bake", 1.0), ("retire", 0.0)],
]


@pytest.mark.parametrize("phases", ROLLOUTS, ids=lambda phases: ", ".join(name for name, _ in phases))
async def test_killed_in_a_phase_it_goes_on_to_the_end(stage: Stage, phases: list[tuple[str, float]]) -> None:
    await stage.serves("v1")
    await stage.deploy("v2", **SLOW)
    for phase, later in phases:
        await stage.phase(phase)
        await asyncio.sleep(later)
        await die_and_come_back(stage)
    assert await stage.ended() == "promoted"
    await stage.well("v2")
    await stage.no_request_failed()


async def test_killed_while_aborting_it_puts_everything_back(stage: Stage) -> None:
    await stage.serves("v1")
    await stage.deploy("v2")
    await stage.phase("weight 50")
    asked = asyncio.create_task(stage.tell("abort"))
    await stage.phase("aborting")
    await die_and_come_back(stage)
    await asyncio.gather(asked, return_exceptions=True)
    assert await stage.ended() == "aborted"
    await stage.well("v1")
    await stage.no_request_failed()


async def die_and_come_back(stage: Stage) -> None:
    """While it is dead everything else lives, and users are answered."""
    assert stage.load is not None
    stage.kill_server()
    killed, running, envoy = monotonic(), processes.instances(stage.data), processes.envoy(stage.data)
    await asyncio.sleep(DEAD)
    assert processes.envoy(stage.data) == envoy
    assert processes.instances(stage.data) == running
    assert stage.load.longest_silence(killed, killed + DEAD) < 0.2
    await stage.serve()
    assert processes.envoy(stage.data) == envoy
