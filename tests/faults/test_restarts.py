"""The server is ended and started again, the machine reboots: everything is found, or comes up by itself."""

import asyncio
from time import monotonic

import pytest
from tests.faults import processes
from tests.faults.stage import Stage

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]


@pytest.mark.parametrize("phase", [None, "analyze"], ids=["at rest", "in a rollout"])
async def test_a_server_that_is_told_to_end_ends_cleanly_and_users_notice_nothing(
    stage: Stage, phase: str | None
) -> None:
    await stage.serves("v1")
    if phase:
        await stage.deploy("v2")
        await stage.phase(phase)
    running, envoy, told = processes.instances(stage.data), processes.envoy(stage.data), monotonic()
    assert stage.end_server() == 0
    stage.note(f"SIGTERM to the end: {monotonic() - told:.2f} s")
    assert monotonic() - told < 5
    assert not (stage.data / "server.json").exists()
    assert "Traceback" not in stage.output.read_text()
    await asyncio.sleep(0.5)
    await stage.serve()
    if phase:
        assert await stage.ended() == "promoted"
    else:
        assert processes.instances(stage.data) == running
    assert processes.envoy(stage.data) == envoy
    await stage.well("v2" if phase else "v1")
    await stage.no_request_failed()


@pytest.mark.parametrize("phase", [None, "weight 50"], ids=["at rest", "in a rollout"])
async def test_after_a_reboot_everything_comes_up_again(stage: Stage, phase: str | None) -> None:
    """A candidate that went down with the machine is put back: users were on it, and it could not serve them."""
    await stage.serves("v1")
    if phase:
        await stage.deploy("v2")
        await stage.phase(phase)
    stage.kill_server()
    before, envoy = processes.instances(stage.data), processes.envoy(stage.data)
    assert envoy is not None
    for pid in [envoy, *(one.pid for one in before)]:
        processes.kill(pid)
    await asyncio.sleep(0.2)
    await stage.serve()
    begin = monotonic()
    back = await stage.answered()
    stage.note(f"a reboot: users are answered {back - begin:.2f} s after the server")
    assert back - begin < 5
    assert await stage.ended() == ("aborted" if phase else "promoted")
    await stage.well("v1")
