"""The example's production after a promotion: the whole engine, its own file, a log on disk, hours of a fake clock."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.engine.hours import Hours, hours

from headgate.cli.monitored import monitored, seen
from headgate.cli.picture import numbers
from headgate.engine.engine import Engine
from headgate.engine.refusals import Rejected
from headgate.engine.views import environment, summary
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import RolloutId

EXAMPLE = Path(__file__).parents[2] / "examples" / "pcw" / "headgate.yaml"
HOUR = timedelta(hours=1)
MINUTES = timedelta(minutes=5)


async def carried(one: Hours, version: str) -> None:
    """To the gates of production: through staging, past QA."""
    await one.commit(version)
    await one.engine.deploy("pcw", "qa", version, "tester")
    await one.until(lambda: one.serves("qa", version) and one.serves("staging", version))
    await one.engine.sign_off("pcw", "qa", version, "tester", "accepted", "looks right")


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """A folder with the log of a server under which v2 followed v1, and when that was."""
    folder = tmp_path_factory.mktemp("promoted")

    async def make() -> datetime:
        async with hours(folder / "events.db") as one:
            await one.apply(EXAMPLE.read_text())
            for version in ("v1", "v2"):
                await carried(one, version)
                await one.until(lambda version=version: one.serves("production", version))  # type: ignore[misc]
            return one.clock.now()

    with asyncio.Runner() as runner:
        return folder, runner.run(make())


@pytest.fixture
async def pcw(promoted: tuple[Path, datetime], tmp_path: Path) -> AsyncIterator[Hours]:
    folder, at = promoted
    shutil.copytree(folder, tmp_path / "data")
    async with hours(tmp_path / "data" / "events.db", at) as one:
        one.text = EXAMPLE.read_text()
        await one.live(MINUTES)
        yield one


async def rollbacks(one: Hours) -> list[e.RolloutStarted]:
    events = await one.events("production")
    return [one for one in events if isinstance(one, e.RolloutStarted) and one.kind == "rollback"]


@pytest.mark.slow
async def test_an_hour_after_its_promotion_through_a_restart(pcw: Hours) -> None:
    await pcw.live(HOUR / 2)
    await pcw.restart()
    await pcw.live(HOUR / 2 - MINUTES)
    pcw.failing["v2"] = 0.2
    assert await pcw.until(lambda: pcw.serves("production", "v1")) < timedelta(minutes=2)
    (back,) = await rollbacks(pcw)
    assert back.by == "headgate"
    assert re.search(r"v2 \w+: .* requests failed in the last \d+ s; v1 had 0.2", back.why)
    assert pcw.router.routes[pcw.state("production").id].weight(back.revision.id) == 100
    assert list(pcw.application.state.quarantined) == [pcw.application.release("v2").id]
    assert pcw.serves("staging", "v2")


async def test_what_it_sees_is_told(pcw: Hours) -> None:
    now = pcw.clock.now()
    line = summary(pcw.application, "production", now)
    ends = now + 4 * HOUR - MINUTES
    assert monitored(line) == [
        f"monitored until 2026-01-05 {ends:%H:%M} UTC (3 h 55 min more), 99.97 % of the budget left",
        f"2 instances of v1 kept warm until 2026-01-05 {now + HOUR - MINUTES:%H:%M} UTC: 1.83 instance-hours more",
    ]
    assert [re.sub(r"[\d,]+ requests", "all requests", one) for one in seen(line)] == [
        "quotes: 0.2 % of all requests failed in the last 5 min; a breach beyond 2.4 %",
        "web: 0.2 % of all requests failed in the last 5 min; a breach beyond 2.4 %",
    ]
    told = numbers(await environment(pcw.application, "production", now))
    assert all(one in told for one in (*monitored(line), *seen(line)))


@pytest.mark.slow
async def test_a_freeze_and_a_pin_stop_no_rollback(pcw: Hours) -> None:
    await pcw.engine.stop_the_line(c.Freeze("ann", "the sale", None))
    await pcw.engine.command("pcw", "production", c.Pin("ann", "keep it"))
    pcw.failing["v2"] = 0.2
    await pcw.until(lambda: pcw.serves("production", "v1"))
    assert [one.by for one in await rollbacks(pcw)] == ["headgate"]
    assert pcw.state("production").pin is None


@pytest.mark.slow
async def test_a_newer_release_is_judged_in_its_place(pcw: Hours) -> None:
    await carried(pcw, "v3")
    await pcw.until(lambda: pcw.serves("production", "v3"))
    events = [one for one in await pcw.events("production") if isinstance(one, e.MonitoringStarted | e.MonitoringEnded)]
    labels = [pcw.application.release(one.release).label for one in events]
    assert labels == ["v1", "v1", "v2", "v2", "v3"]
    pcw.failing["v3"] = 0.2
    await pcw.until(lambda: pcw.serves("production", "v2"))


@pytest.mark.slow
async def test_after_a_bad_release_the_good_one_is_watched_on(pcw: Hours) -> None:
    until = pcw.state("production").monitoring.until  # type: ignore[union-attr]
    pcw.failing["v3"] = 0.5
    await carried(pcw, "v3")
    await pcw.until(lambda: pcw.application.release("v3").id in pcw.application.state.quarantined)
    await pcw.until(lambda: pcw.serves("production", "v2"))
    assert pcw.state("production").monitoring.until == until  # type: ignore[union-attr]
    pcw.failing["v2"] = 0.2
    await pcw.until(lambda: pcw.serves("production", "v1"))


@pytest.mark.slow
async def test_a_trial_that_is_paused_is_not_disturbed(pcw: Hours) -> None:
    """One thing at a time: what is paused is a person's, who sees both."""
    await carried(pcw, "v3")
    await pcw.until(lambda: pcw.state("production").rollout is not None)
    await pcw.engine.command("pcw", "production", c.Pause("ann", "lunch"))
    pcw.failing["v2"] = 0.2
    await pcw.live(MINUTES)
    assert await rollbacks(pcw) == []
    assert "set aside" in monitored(summary(pcw.application, "production", pcw.clock.now()))[0]
    await pcw.engine.command("pcw", "production", c.Abort("ann", "back from lunch"))
    await pcw.until(lambda: pcw.serves("production", "v1"))
    assert [one.by for one in await rollbacks(pcw)] == ["headgate"]


@pytest.mark.slow
async def test_a_person_goes_back_at_the_same_moment(pcw: Hours) -> None:
    """Twice, to two servers on one log: one rollback, and none by the sentinel after it."""
    pcw.failing["v2"] = 0.2
    other = Engine(pcw.world, pcw.engine.log, pcw.clock, lambda prefix: f"{prefix}_of_another")
    await other.start()
    asked = [one.command("pcw", "production", c.Rollback(RolloutId("rol_9"), "ann")) for one in (pcw.engine, other)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    await pcw.live(MINUTES)
    await other.stop()
    assert pcw.serves("production", "v1")
    assert [one.by for one in await rollbacks(pcw)] == ["ann"]
    assert sorted(type(one).__name__ for one in answers) == ["NoneType", "Rejected"]


async def test_a_person_goes_back_a_moment_after_the_sentinel(pcw: Hours) -> None:
    """Not from what is good again to what was before it."""
    pcw.failing["v2"] = 0.2
    await pcw.until(lambda: pcw.serves("production", "v1"))
    with pytest.raises(Rejected, match=r"headgate went back to v1 by itself \d+ s ago: v2 .*; to go further, name"):
        await pcw.engine.command("pcw", "production", c.Rollback(RolloutId("rol_9"), "ann"))
