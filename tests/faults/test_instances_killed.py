"""kill -9 instances: those that are left take over, and those that are missing come back."""

import asyncio
from time import monotonic

import pytest
from tests.faults import processes
from tests.faults.load import Answer
from tests.faults.stage import Stage

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]

MOMENT = 0.05  # seconds around the kill in which a request may have been on the killed instance


async def test_one_of_two_costs_at_most_what_it_was_just_answering(stage: Stage) -> None:
    await stage.serves("v1")
    assert stage.load is not None
    killed = monotonic()
    processes.kill(processes.instances(stage.data)[0].pid)
    await stage.well("v1")
    await stage.load.stop()
    stage.note(f"one of two instances: {len(stage.load.failed())} requests failed")
    assert [str(one) for one in stage.load.failed() if not in_flight(one, killed)] == []


def in_flight(answer: Answer, at: float) -> bool:
    """Sent once only, and under way at that moment."""
    return answer.method == "POST" and answer.sent - MOMENT <= at <= answer.done + MOMENT


async def test_all_of_the_stable_come_back(stage: Stage) -> None:
    await stage.serves("v1")
    assert stage.load is not None
    before = processes.instances(stage.data)
    killed = monotonic()
    for one in before:
        processes.kill(one.pid)
    back = await stage.answered()
    await stage.well("v1")
    await stage.load.stop()
    stage.note(f"all instances: outage {back - killed:.2f} s, {len(stage.load.failed())} requests failed")
    assert {one.pid for one in processes.instances(stage.data)}.isdisjoint({one.pid for one in before})
    assert back - killed < 3.0  # the back-off of half a second, and the start
    assert [str(one) for one in stage.load.failed() if not killed - MOMENT <= one.done <= back + 0.5] == []


@pytest.mark.parametrize("phase", ["analyze", "bake"])
async def test_all_of_the_candidate_on_trial_put_it_back(stage: Stage, phase: str) -> None:
    """Analyze: few users are on it. Bake: all are."""
    await stage.serves("v1")
    await stage.deploy("v2")
    await stage.phase(phase)
    await asyncio.sleep(0.3)
    stable = (await stage.shown())["stable"]["revision"]
    killed = monotonic()
    for one in processes.instances(stage.data):
        if one.revision != stable:
            processes.kill(one.pid)
    assert await stage.ended() == "aborted"
    assert "no ready instance left" in stage.why()
    assert "was killed by SIGKILL" in stage.why()
    await stage.well("v1")
    assert stage.load is not None
    await asyncio.sleep(max(killed + 2.0 - monotonic(), 0))
    await stage.load.stop()
    failed = stage.load.failed()
    last = max((one.done for one in failed), default=killed) - killed
    stage.note(f"all of the candidate in {phase}: {len(failed)} requests failed, the last {last:.2f} s after the kill")
    assert last < 1.5
    assert {one.version for one in stage.load.sent_between(killed + 1.5, monotonic())} == {"v1"}
