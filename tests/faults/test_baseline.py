"""A canary beside fresh copies of the stable, with the real Envoy and processes, under load: nobody notices them."""

import asyncio
from collections import Counter

import pytest
from tests.faults import processes
from tests.faults.stage import Stage

from headgate.model import events as e
from headgate.model.events import RolloutStarted
from headgate.model.releases import Revision

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(120)]

CANARY = "{canary: {steps: [20, 50]}}"


@pytest.fixture
def beside(stage: Stage) -> Stage:
    stage.repository.edit(CANARY, CANARY.replace("]}", "], sticky: cookie, baseline: true}"))
    return stage


def baseline(stage: Stage) -> Revision:
    started = [one.event for one in stage.journal.events() if isinstance(one.event, RolloutStarted)]
    assert started[0].baseline is None, "a first release has nothing to be compared with"
    named = started[-1].baseline
    assert named is not None
    return named


def running(stage: Stage) -> Counter[str]:
    return Counter(one.revision for one in processes.instances(stage.data))


async def test_a_canary_beside_a_baseline_is_promoted(beside: Stage) -> None:
    stage = beside
    await stage.serves("v1")
    await stage.deploy("v2")
    await stage.phase("weight 20")
    fresh = baseline(stage)
    stable = (await stage.shown())["stable"]["revision"]
    assert (fresh.label, running(stage)[fresh.id], len(running(stage))) == ("v1 (baseline)", 2, 3)
    await stage.phase("weight 100")
    assert stage.load is not None
    answers = Counter((one.revision, one.version) for one in stage.load.answers)
    assert answers[fresh.id, "v1"] > 30, "it answered about half of the requests while the candidate did"
    assert await stage.ended() == "promoted"
    assert stable not in {fresh.id}
    await stage.well("v2")
    await stage.no_request_failed()
    taken = [one.event.measurement for one in stage.journal.events() if isinstance(one.event, e.MeasurementTaken)]
    assert {one.against for one in taken if one.candidate and one.reference} == {"baseline"}
    ticks = [one for one in taken if one.against == "baseline"]
    stage.note(f"{len(ticks)} ticks against the baseline; {sum(one.baseline['web'].requests for one in ticks)} answers")


async def test_people_are_told_of_it(beside: Stage) -> None:
    stage = beside
    await stage.serves("v1")
    await stage.deploy("v2")
    await stage.phase("weight 50")
    view = await stage.shown()
    assert view["labels"][view["rollout"]["baseline"]["revision"]] == "v1 (baseline)"
    assert "v2 + baseline" in (await asyncio.to_thread(stage.command, "status")).stdout
    said = await asyncio.to_thread(stage.command, "why", "production")
    assert "deploy of v2 beside v1 (baseline) started by ann" in said.stdout, said
    watched = await asyncio.to_thread(stage.command, "watch", "production")  # until the rollout has ended
    assert "v1 (baseline) web" in watched.stdout, watched
    assert await stage.ended() == "promoted"
    assert (await stage.shown())["rollout"] is None


async def test_an_abort_sends_everybody_home_in_one_step(beside: Stage) -> None:
    stage = beside
    await stage.serves("v1")
    assert stage.load is not None
    await stage.deploy("v2")
    await stage.phase("weight 50")
    long = [stage.load.send("POST", takes=2.0) for _ in range(10)]
    await stage.load.send()
    await stage.tell("abort")
    assert await stage.ended() == "aborted"
    home = (await stage.shown())["weights"]
    assert home[(await stage.shown())["stable"]["revision"]] == 100
    assert {one.status for one in [await task for task in long]} == {200}, "what was asked of the baseline is answered"
    await stage.well("v1")
    assert baseline(stage).id not in running(stage)
    await stage.no_request_failed()


async def test_a_baseline_that_dies_costs_the_candidate_nothing(beside: Stage) -> None:
    stage = beside
    await stage.serves("v1")
    await stage.deploy("v2")
    await stage.phase("weight 50")
    for one in processes.instances(stage.data):
        if one.revision == baseline(stage).id:
            processes.kill(one.pid)
    assert await stage.ended() == "promoted"
    dropped = [one.event.why for one in stage.journal.events() if isinstance(one.event, e.BaselineDropped)]
    assert [why.partition(";")[0] for why in dropped] == ["a service of the baseline has no ready instance left"]
    await stage.well("v2")
    assert stage.load is not None
    await stage.load.stop()
    assert {one.revision for one in stage.load.failed()} <= {""}, "whom the dead did not answer, and nobody else"
    stage.note(f"{len(stage.load.failed())} of {len(stage.load.answers)} requests failed")
