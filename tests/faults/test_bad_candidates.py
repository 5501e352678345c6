"""Candidates that cannot serve: put back with the reason, and no user ever meets them."""

from time import monotonic

import pytest
from tests.faults import processes
from tests.faults.stage import Refused, Stage

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]


async def test_one_that_never_gets_ready_is_aborted_at_its_deadline(stage: Stage) -> None:
    stage.repository.edit("ready: 10s", "ready: 3s")
    await stage.serves("v1")
    asked = monotonic()
    await stage.deploy("v2", ready_after=None)
    assert await stage.ended() == "aborted"
    assert 3 <= monotonic() - asked < 6
    assert "await ready took longer than 3 s: ready: web 0 of 2 (GET /healthz answered 503)" in stage.why()
    await stage.well("v1")
    await stage.no_request_failed()


async def test_one_that_crashes_in_a_loop_is_aborted_at_once_and_its_last_words_are_told(stage: Stage) -> None:
    await stage.serves("v1")
    asked = monotonic()
    await stage.deploy("v2", crash_after=0.1, ready_after=None)
    assert await stage.ended() == "aborted"
    assert monotonic() - asked < 8  # long before the deadline of ten seconds to get ready
    assert "web crashes in a loop (3 times): exited with code 3" in stage.why()
    assert "cannot open the database: it is somewhere else" in stage.why()
    await stage.well("v1")
    await stage.no_request_failed()


async def test_one_that_crashes_after_it_was_ready_is_aborted_too(stage: Stage) -> None:
    await stage.serves("v1")
    await stage.deploy("v2", crash_after=1.0)
    assert await stage.ended() == "aborted"
    assert "exited with code 3" in stage.why()
    await stage.well("v1")


async def test_one_that_answers_500_is_put_back_and_quarantined(stage: Stage) -> None:
    await stage.serves("v1")
    await stage.deploy("v2", error_share=0.6)
    assert await stage.ended() == "aborted"
    assert "analysis failed: web: errors" in stage.why()
    await stage.well("v1")
    assert stage.load is not None
    await stage.load.stop()
    stage.note(f"60 % errors: {len(stage.load.failed())} of {len(stage.load.answers)} requests failed")
    assert {one.version for one in stage.load.failed()} == {"v2"}
    with pytest.raises(Refused, match="v2 is quarantined: analysis failed"):
        await stage.deploy_again("v2")


async def test_a_slow_draining_old_revision_finishes_what_it_was_asked(stage: Stage) -> None:
    """Requests of one and two seconds are sent all the while, the last of them just before the old one is retired."""
    await stage.serves("v1")
    assert stage.load is not None
    await stage.deploy("v2")
    await stage.phase("weight 50")
    long = [stage.load.send("POST", takes=2.0) for _ in range(10)]
    await stage.phase("weight 100")
    long += [stage.load.send("POST", takes=1.0 + number / 10) for number in range(10)]
    assert await stage.ended() == "promoted"
    answers = [await one for one in long]
    assert {one.version for one in answers} == {"v1", "v2"}
    assert [str(one) for one in answers if one.failed] == []
    await stage.well("v2")
    await stage.no_request_failed()


async def test_an_aborted_candidate_finishes_what_it_was_asked(stage: Stage) -> None:
    await stage.serves("v1")
    assert stage.load is not None
    await stage.deploy("v2")
    await stage.phase("bake")  # all traffic is the candidate's
    long = [stage.load.send("POST", takes=2.0) for _ in range(10)]
    await stage.load.send()
    await stage.tell("abort")
    assert await stage.ended() == "aborted"
    assert {str(one.status) + one.version for one in [await task for task in long]} == {"200v2"}
    await stage.well("v1")
    assert len(processes.instances(stage.data)) == 2
    await stage.no_request_failed()
