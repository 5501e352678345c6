"""After a promotion, with the real Envoy and processes under load: what turns bad goes back by itself, at once."""

import asyncio
from time import monotonic

import pytest
from tests.faults.stage import Refused, Stage

from headgate.model import events as e
from headgate.model.events import Recorded

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]

LOOKS = 1.0  # seconds between two looks of this monitor


def is_back(one: Recorded) -> bool:
    return isinstance(one.event, e.RolloutStarted) and one.event.kind == "rollback"


async def test_what_fails_after_its_promotion_is_rolled_back_to_what_is_still_warm(stage: Stage) -> None:
    spoilt = stage.folder / "spoilt"
    stage.repository.edit("    keep_warm: 0s\n", "    keep_warm: 0s\n    monitor: {for: 60s, interval: 1s}\n")
    await stage.serves("v1")
    await stage.deploy("v2", fails_while=str(spoilt))
    assert await stage.ended() == "promoted"
    await asyncio.sleep(2 * LOOKS)
    view = await stage.shown()
    assert view["monitoring"]["text"].startswith("monitored until ")
    assert view["warm"].startswith("2 instances of v1 kept warm until ")
    said = stage.command("why", "production").stdout
    assert view["monitoring"]["text"].partition(" (")[0] in said
    assert "requests failed in the last 15 s; a breach beyond " in said
    spoilt.touch()
    turned = monotonic()
    started = await stage.event(is_back, "it is rolled back")
    noticed = monotonic()
    assert isinstance(started.event, e.RolloutStarted)
    assert (started.event.by, started.event.revision.label) == ("headgate", "v1")
    assert "requests failed in the last" in started.event.why
    assert await stage.ended() == "promoted"
    assert stage.load is not None
    await stage.load.stop()
    last = max(one.sent for one in stage.load.failed())
    stage.note(f"noticed after {noticed - turned:.2f} s; the last request that failed was sent "
               f"{(last - noticed) * 1000:.0f} ms after the decision; {len(stage.load.failed())} failed")  # fmt: skip
    assert {one.version for one in stage.load.failed()} == {"v2"}
    assert noticed - turned < 10
    assert last - noticed < 2
    await stage.well("v1")
    with pytest.raises(Refused, match="v2 is quarantined: v2 web: "):
        await stage.deploy_again("v2")
