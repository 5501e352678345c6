"""A quarantined release is undone in its branch where the file asks for it: once, whatever is restarted between."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.decide.given import rollout
from tests.engine.test_following import FILE, SECOND, SHOP, Following

from headgate.engine import sightings
from headgate.model import events as e
from headgate.model.ids import application_stream
from headgate.model.releases import Release
from headgate.model.reverts import CommitReverted
from headgate.spec.compile import application as compiled
from headgate.spec.read import read

REVERTING = FILE.replace("services:", "source: {git: revert}\nservices:", 1)
BRANCH = "headgate/revert-"


class Reverting(Following):
    async def released(self, web: str) -> Release:
        self.commit(web=web)
        await self.look()
        return list(self.application.releases.values())[-1]

    async def two(self) -> None:
        self.good, self.bad = await self.released("1"), await self.released("2")
        await self.stands(self.good)

    async def stands(self, release: Release) -> None:
        """As if it had been promoted in staging."""
        wheel = self.application.wheels["staging"]
        stable = await self.application.composed(self.application.rules(wheel.environment), release)  # type: ignore[arg-type]
        wheel.state = replace(wheel.state, stable=stable, rollout=None)

    async def quarantine(self, release: Release) -> None:
        await self.application.record([e.ReleaseQuarantined(release.id, "staging", "analysis failed: 12 % errors")])

    async def looked(self) -> list[CommitReverted]:
        for _ in range(20):
            self.clock.advance(SECOND * 10)
            await self.follower.turn()
        return await self.reverted()

    async def reverted(self) -> list[CommitReverted]:
        recorded = await self.log.read(application_stream("shop"))
        return [one.event for one in recorded if isinstance(one.event, CommitReverted)]


@pytest.fixture
async def shop(tmp_path: Path) -> Reverting:
    made = Reverting(tmp_path, REVERTING)
    await made.apply()
    await made.look()
    await made.two()
    return made


async def test_it_is_pushed_to_a_branch_of_its_own_and_told(shop: Reverting) -> None:
    await shop.quarantine(shop.bad)
    [done] = await shop.looked()
    onto = BRANCH + shop.bad.commit[:10]
    heads = await shop.source.heads(SHOP)
    assert (done.outcome, done.onto, done.commit) == ("pushed", onto, heads[f"refs/heads/{onto}"])
    assert heads["refs/heads/main"] == shop.bad.commit, "main is nobody's but its authors'"
    made = await shop.source.resolve(SHOP, done.commit)
    assert made.subject == f"Revert {shop.bad.label} to {shop.good.label}"
    assert "Quarantined in staging: analysis failed: 12 % errors" in made.message
    [told] = sightings.reverts(shop.application)
    assert told["text"] == f"the revert of {shop.bad.label} is on branch {onto}: merge it into main"


async def test_once_also_after_a_restart(shop: Reverting) -> None:
    await shop.quarantine(shop.bad)
    [done] = await shop.looked()
    await shop.restart()
    await shop.stands(shop.good)
    assert await shop.looked() == [done]


async def test_not_before_traffic_is_back(shop: Reverting) -> None:
    await shop.quarantine(shop.bad)
    wheel = shop.application.wheels["staging"]
    wheel.state = replace(wheel.state, rollout=rollout("start"))
    assert await shop.looked() == []
    wheel.state = replace(wheel.state, rollout=None)
    assert len(await shop.looked()) == 1


async def test_a_repository_that_is_away_is_asked_again(shop: Reverting) -> None:
    await shop.quarantine(shop.bad)
    shop.source.undo_fails = "no right to push"
    await shop.follower.turn()
    assert await shop.reverted() == []
    shop.source.undo_fails = ""
    assert [one.outcome for one in await shop.looked()] == ["pushed"]


async def test_what_cannot_be_pushed_is_given_up_and_said(shop: Reverting) -> None:
    await shop.quarantine(shop.bad)
    shop.source.undo_fails = "no right to push"
    for _ in range(40):
        await shop.looked()
    [done] = await shop.reverted()
    assert (done.outcome, done.why) == ("failed", "given up after 8 tries: no right to push")


async def test_a_first_release_has_nothing_to_go_back_to(shop: Reverting) -> None:
    wheel = shop.application.wheels["staging"]
    wheel.state = replace(wheel.state, stable=None)
    await shop.quarantine(shop.bad)
    [done] = await shop.looked()
    assert (done.outcome, done.why) == ("nothing", f"there is nothing to go back to from {shop.bad.label}")


async def test_nobody_who_did_not_ask_for_it_gets_one(tmp_path: Path) -> None:
    made = Reverting(tmp_path, FILE)
    await made.apply()
    await made.look()
    await made.two()
    await made.quarantine(made.bad)
    assert await made.looked() == []
    asking = compiled(read(REVERTING), SHOP, "headgate.yaml")
    await made.application.record([e.SpecificationApplied(asking, "ann")])
    assert await made.looked() == [], "what was quarantined before is not dug out"



async def test_a_push_that_the_log_does_not_know_of_is_found(shop: Reverting) -> None:
    """The server was killed between the push and its record."""
    onto = BRANCH + shop.bad.commit[:10]
    there = shop.source.commit(SHOP, {"headgate.yaml": REVERTING}, "Revert", onto).sha
    await shop.quarantine(shop.bad)
    [done] = await shop.looked()
    assert (done.outcome, done.commit) == ("pushed", there)


async def test_quarantined_again_after_it_was_lifted_it_is_looked_at_again(shop: Reverting) -> None:
    await shop.quarantine(shop.bad)
    await shop.looked()
    await shop.application.record([e.QuarantineLifted(shop.bad.id, "ann", "it was the network")])
    assert sightings.reverts(shop.application) == []
    await shop.quarantine(shop.bad)
    _, again = await shop.looked()
    assert again.why == f"branch {BRANCH}{shop.bad.commit[:10]} is there already"
