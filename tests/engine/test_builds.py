"""Builds in a running engine, on fakes: a release is made once its steps have passed, and not before."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.web.world import FILE, PRESENT, REPOSITORY, Shop
from tests.web.world import shop as opened

from headgate.engine import applying
from headgate.engine.ci import BuildWheel
from headgate.engine.engine import Engine
from headgate.engine.refusals import Rejected, SpecificationError, Unknown
from headgate.model.builds import Tally
from headgate.model.releases import Release

CI = f"{FILE}pipeline:\n  ci: [{{name: test, run: 'pytest'}}, {{name: pack, run: 'make', needs: [test]}}]\n"


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setattr("headgate.engine.builds.IN_FLIGHT", timedelta(milliseconds=20))  # the fake runner wakes nobody
    made = opened(tmp_path)
    await made.engine.start()
    await apply(made, CI)
    yield made
    await made.engine.stop()


async def apply(shop: Shop, text: str) -> None:
    await applying.apply(shop.engine, applying.understand(text, "headgate.yaml", REPOSITORY, PRESENT), "ann")


async def asked(shop: Shop, reference: str = "HEAD") -> BuildWheel:
    made = await shop.engine.release("shop", reference, "ann")
    assert isinstance(made, BuildWheel)
    return made


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


def releases(shop: Shop) -> list[str]:
    return [release.commit for release in shop.engine.application("shop").releases.values()]


async def passing(shop: Shop, build: BuildWheel) -> None:
    for step in ("test", "pack"):
        await until(lambda step=step: shop.runner.running() == [step])
        shop.runner.end(step, "passed")
        shop.engine.wake(build.id)
    await until(lambda: build.state.outcome)


async def test_a_release_is_made_once_every_step_has_passed(shop: Shop) -> None:
    sha = shop.commit()
    build = await asked(shop)
    await until(lambda: shop.runner.running() == ["test"])
    shop.runner.end("test", "passed")
    await until(lambda: shop.runner.running() == ["pack"])
    assert releases(shop) == []
    shop.runner.end("pack", "passed")
    await until(lambda: build.state.outcome == "passed")
    assert releases(shop) == [sha]
    assert build.state.release in shop.engine.application("shop").releases
    assert isinstance(await shop.engine.release("shop", "HEAD", "ann"), Release)


async def test_a_step_that_fails_ends_it_without_a_release(shop: Shop) -> None:
    shop.commit()
    build = await asked(shop)
    await until(lambda: shop.runner.running() == ["test"])
    shop.runner.end("test", "failed", tests=Tally(9, 1, 0, ("shop::price",)), why="exited with code 1")
    await until(lambda: build.state.outcome)
    assert (build.state.outcome, build.state.why) == ("failed", "test failed: 1 of 9 tests failed: shop::price")
    assert (releases(shop), list(shop.runner.orders)) == ([], [f"{build.id}.test.1"])


async def test_a_commit_that_failed_may_be_built_again(shop: Shop) -> None:
    shop.commit()
    first = await asked(shop)
    await until(shop.runner.running)
    shop.runner.end("test", "failed")
    await until(lambda: first.state.outcome)
    second = await asked(shop)
    assert second.id != first.id
    await passing(shop, second)
    assert second.state.outcome == "passed"


async def test_asked_for_twice_it_is_built_once(shop: Shop) -> None:
    shop.commit()
    first, second = await asyncio.gather(asked(shop), asked(shop))
    assert first is second


async def test_the_steps_come_from_what_was_applied_not_from_the_commit(shop: Shop) -> None:
    shop.commit(file=FILE)  # this commit has no steps of its own
    build = await asked(shop)
    assert [step.name for step in build.state.steps] == ["test", "pack"]


async def test_rules_that_are_applied_meanwhile_do_not_change_a_build_in_flight(shop: Shop) -> None:
    shop.commit()
    build = await asked(shop)
    await apply(shop, FILE)
    await passing(shop, build)
    assert build.state.outcome == "passed"


async def test_without_steps_a_release_is_made_at_once(shop: Shop) -> None:
    await apply(shop, FILE)
    shop.commit()
    assert isinstance(await shop.engine.release("shop", "HEAD", "ann"), Release)


async def test_a_commit_whose_file_is_wrong_is_refused_before_anything_runs(shop: Shop) -> None:
    shop.commit(file="application: shop\n")
    with pytest.raises(SpecificationError):
        await shop.engine.release("shop", "HEAD", "ann")
    assert not shop.runner.orders


class TestSuperseded:
    async def test_a_newer_commit_of_the_branch_cancels_it(self, shop: Shop) -> None:
        shop.commit()
        first = await asked(shop)
        await until(lambda: shop.runner.running() == ["test"])
        shop.commit("Another change")
        second = await asked(shop)
        await until(lambda: first.state.outcome)
        assert (first.state.outcome, first.state.runs["test"].outcome) == ("cancelled", "cancelled")
        assert first.state.why == f"{second.id} ({second.state.build.label}) is a newer commit of main"
        await passing(shop, second)
        assert releases(shop) == [second.state.build.commit]

    async def test_not_by_another_branch(self, shop: Shop) -> None:
        shop.commit()
        first = await asked(shop, "main")
        shop.commit("A feature", branch="feature/x")
        await asked(shop, "feature/x")
        await until(lambda: shop.runner.running() == ["test", "test"])
        assert first.state.cancelled_at is None

    async def test_not_by_an_older_commit_and_not_a_version(self, shop: Shop) -> None:
        old = shop.commit()
        shop.commit("Tagged", version="v1")
        tagged = await asked(shop, "v1")
        shop.commit("Newest")
        newest = await asked(shop)
        await asked(shop, old)
        await until(lambda: len(shop.runner.orders) >= 2)
        await asyncio.sleep(0.1)
        assert (tagged.state.cancelled_at, newest.state.cancelled_at) == (None, None)


async def test_someone_cancels_it(shop: Shop) -> None:
    shop.commit()
    build = await asked(shop)
    await until(shop.runner.running)
    await shop.engine.builds.cancel("shop", build.id, "ann", "a mistake")
    await until(lambda: build.state.outcome)
    assert (build.state.outcome, build.state.why, shop.runner.running()) == ("cancelled", "a mistake", [])
    with pytest.raises(Rejected):
        await shop.engine.builds.cancel("shop", build.id, "ann", "")


async def test_a_new_engine_goes_on_where_the_log_says(shop: Shop) -> None:
    shop.commit()
    build = await asked(shop)
    await until(lambda: shop.runner.running() == ["test"])
    await shop.engine.stop()
    shop.runner.end("test", "passed")
    again = Engine(shop.engine.world, shop.engine.log, shop.clock, shop.engine.new_id)
    await again.start()
    try:
        found = again.builds.wheel("shop", build.id)
        await until(lambda: shop.runner.running() == ["pack"])
        shop.runner.end("pack", "passed")
        await until(lambda: found.state.outcome == "passed")
        assert len(shop.runner.orders) == 2
        assert len(again.application("shop").releases) == 1
    finally:
        await again.stop()


async def test_a_lost_step_is_run_again_and_told_so(shop: Shop) -> None:
    shop.commit()
    build = await asked(shop)
    await until(lambda: shop.runner.running() == ["test"])
    shop.runner.end("test", "lost", why="the machine was restarted")
    await until(lambda: f"{build.id}.test.2" in shop.runner.orders)
    assert build.state.runs["test"].why == "once more, as it was lost: the machine was restarted"


async def test_a_runner_that_cannot_be_asked_ends_nothing(shop: Shop) -> None:
    shop.commit()
    build = await asked(shop)
    await until(lambda: shop.runner.running() == ["test"])
    shop.runner.down = "it is away"
    await until(lambda: build.seen.unknown)
    assert build.seen.unknown == ("test cannot be seen: it is away",)
    shop.runner.down = None
    await passing(shop, build)
    assert build.state.outcome == "passed"


async def test_a_release_that_cannot_be_made_yet_is_tried_again(shop: Shop) -> None:
    shop.commit()
    build = await asked(shop)
    await until(lambda: shop.runner.running() == ["test"])
    shop.runner.end("test", "passed")
    await until(lambda: shop.runner.running() == ["pack"])
    shop.engine.world.releases.parent.mkdir(exist_ok=True)
    shop.engine.world.releases.write_text("in the way")
    shop.runner.end("pack", "passed")
    await until(lambda: build.state.failures)
    assert build.state.outcome is None
    shop.engine.world.releases.unlink()
    await until(lambda: build.state.outcome == "passed")


async def test_no_more_steps_run_at_once_than_there_is_room_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.engine.builds.MOST_AT_ONCE", 1)
    for branch in ("one", "two", "three"):
        shop.commit(f"On {branch}", branch=branch)
        await asked(shop, branch)
    await until(shop.runner.running)
    await asyncio.sleep(0.2)
    assert shop.runner.running() == ["test"]


async def test_an_unknown_build_is_named(shop: Shop) -> None:
    with pytest.raises(Unknown, match="no build 'bld_9'"):
        shop.engine.builds.wheel("shop", "bld_9")


