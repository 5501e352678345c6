"""What people do to configuration at the wrong moment: each has one outcome, which is told."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_configuring import HALF_A_MINUTE, Shop, configured

from headgate.engine.refusals import Rejected
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import ReleaseId
from headgate.model.releases import Release, Revision
from headgate.model.rules import AnalysisRules, Strategy, Tolerance
from headgate.ports import Unusable
from headgate.testing.fakes.eventlog import MemoryEventLog

SECOND = timedelta(seconds=1)
ANALYSIS = AnalysisRules(
    errors=Tolerance(0.02, 0.12),
    latency=Tolerance(0.5, 2.0),
    p99=Tolerance(0.5, 2.0),
    blip=2 * SECOND,
    at_least=8 * SECOND,
    deadline=120 * SECOND,
)


@pytest.fixture
async def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "releases")
    await made.apply()
    await made.release()
    await made.turn()
    assert made.stable.secret_versions == {"shop/db": "1"}
    return made


async def with_canary(shop: Shop) -> None:
    rules = configured("info")
    canary = tuple(replace(one, strategy=Strategy("canary", (50,)), analysis=ANALYSIS) for one in rules.environments)
    await shop.shop.record([e.SpecificationApplied(replace(rules, environments=canary), "ann")])
    shop.shop.retry()


async def on_trial(shop: Shop) -> None:
    """A second release at half of the traffic, none of which is measured: it stays there."""
    await shop.release("2")
    await shop.turn(5)
    assert shop.state.rollout is not None
    assert shop.state.rollout.phase == "running"
    assert any(one.weight == 50 for one in shop.state.rollout.steps if hasattr(one, "weight"))


# --- a secret that is rotated in the middle of a canary


async def test_rotated_mid_canary_the_candidate_goes_on_with_what_it_began_with(shop: Shop) -> None:
    await with_canary(shop)
    await on_trial(shop)
    shop.secrets.write("shop/db", "battery staple")
    shop.clock.advance(HALF_A_MINUTE)
    await shop.turn(5)
    flight = shop.state.rollout
    assert flight is not None
    assert flight.revision.secret_versions == {"shop/db": "1"}
    assert len(await shop.requested()) == 2  # nothing was asked for in the middle of it
    # An instance that dies is started anew with its own version, or, where the store forgot it, not at all.
    assert (await shop.engine.secrets(flight.revision, "web"))["PASSWORD"] == "correct horse"
    shop.secrets.keeps_versions = False
    with pytest.raises(Unusable, match="version 1 of shop/db is gone"):
        await shop.engine.secrets(flight.revision, "web")
    shop.secrets.keeps_versions = True
    await shop.shop.wheel("production").command(c.Promote("ann", "it is well"))
    await shop.turn(5)
    assert shop.stable.secret_versions == {"shop/db": "1"}
    assert (await shop.requested())[2:] == ["the configuration changed: secret shop/db v1 -> v2"]
    assert shop.state.rollout is not None  # by the strategy, as any release
    assert shop.state.rollout.revision.secret_versions == {"shop/db": "2"}


async def test_rotated_mid_canary_an_abort_brings_the_rotation_with_what_was_stable(shop: Shop) -> None:
    await with_canary(shop)
    before = shop.stable.release
    await on_trial(shop)
    shop.secrets.write("shop/db", "battery staple")
    await shop.shop.wheel("production").command(c.Abort("ann", "I do not like it"))
    await shop.turn(5)
    assert shop.stable.release == before
    flight = shop.state.rollout
    assert flight is not None
    assert (flight.revision.release, flight.revision.secret_versions) == (before, {"shop/db": "2"})


# --- two edits at once


async def test_of_two_edits_at_the_same_moment_one_is_refused_and_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = MemoryEventLog.append

    async def slowly(log: MemoryEventLog, *wanted: Any) -> list[e.Recorded]:
        await asyncio.sleep(0)  # both have read before one writes
        return await at_once(log, *wanted)

    monkeypatch.setattr(MemoryEventLog, "append", slowly)
    both = await asyncio.gather(shop.apply("debug"), shop.apply("warning"), return_exceptions=True)
    (refused,) = [one for one in both if one is not None]
    assert isinstance(refused, Rejected)
    assert str(refused) == "another change came first; look again and repeat the command"
    await shop.turn(60)
    recorded = await shop.log.read("application:shop")
    last = [one.event.application for one in recorded if isinstance(one.event, e.SpecificationApplied)][-1]
    assert shop.shop.state.specification == last
    assert shop.stable.service("web").env["LOG_LEVEL"] == last.environments[0].env["LOG_LEVEL"]
    await shop.apply("error")  # repeated, it is taken
    await shop.turn(60)
    assert shop.stable.service("web").env["LOG_LEVEL"].text == "error"


async def test_a_second_edit_while_the_first_is_rolled_out_waits_for_it(shop: Shop) -> None:
    await with_canary(shop)
    await shop.apply("debug")
    await shop.turn(1)
    await shop.apply("warning")
    await shop.turn(90)
    assert shop.stable.service("web").env["LOG_LEVEL"].text == "warning"
    told = "the configuration changed: LOG_LEVEL "
    assert (await shop.requested())[1:] == [f"{told}info -> debug", f"{told}debug -> warning"]


async def test_a_release_that_comes_while_an_edit_is_composed_is_not_displaced_by_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel, composed, newer = shop.shop.wheel("production"), shop.shop.revision, list[ReleaseId]()

    async def slowly(environment: str, release: Release) -> Revision:
        made = await composed(environment, release)
        if not newer:  # stores and registries may take seconds
            newer.append(release.id)
            newer.append(await shop.release("2"))
        return made

    monkeypatch.setattr(shop.shop, "revision", slowly)
    await wheel.command(c.Freeze("bob", "an incident"))
    await shop.apply("debug")
    await shop.turn(3)
    assert shop.state.waiting is not None
    assert shop.state.waiting.revision.release == newer[1]
    assert any("goes first: what is stable is configured anew after it" in one for one in shop.waits_for())
    await wheel.command(c.Unfreeze("bob", "over"))
    await shop.turn(60)
    assert shop.stable.release == newer[1]
    assert shop.stable.service("web").env["LOG_LEVEL"].text == "debug"


async def test_an_edit_that_is_taken_back_before_it_is_rolled_out_leaves_nothing(shop: Shop) -> None:
    before = shop.stable
    await shop.apply("debug")
    await shop.apply("info")
    await shop.turn(60)
    assert shop.stable == before
    assert len(await shop.requested()) == 1


# --- while the line is stopped


async def test_a_change_while_frozen_waits_and_says_so(shop: Shop) -> None:
    wheel = shop.shop.wheel("production")
    await wheel.command(c.Freeze("bob", "an incident"))
    await shop.apply("debug")
    shop.secrets.write("shop/db", "battery staple")
    await shop.turn(60)
    assert shop.stable.service("web").env["LOG_LEVEL"].text == "info"
    assert shop.stable.secret_versions == {"shop/db": "1"}
    assert any("an incident" in one for one in shop.waits_for()), shop.waits_for()
    await wheel.command(c.Unfreeze("bob", "over"))
    await shop.turn(60)
    assert shop.stable.service("web").env["LOG_LEVEL"].text == "debug"
    assert shop.stable.secret_versions == {"shop/db": "2"}


# --- back


async def test_a_rollback_restores_values_and_versions_of_both_edits(shop: Shop) -> None:
    before = shop.stable
    shop.secrets.write("shop/db", "battery staple")
    await shop.apply("debug")
    await shop.turn()
    assert shop.stable.secret_versions == {"shop/db": "2"}
    shop.secrets.read.clear()
    await shop.shop.wheel("production").command(c.Rollback(shop.engine.rollout_id(), "ann"))
    await shop.turn(60)
    assert shop.stable == before
    assert (await shop.engine.secrets(shop.stable, "web"))["PASSWORD"] == "correct horse"
