"""Following a source with a clock that is set by hand: each commit once, nothing missed, everything said."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from headgate.decide.builds import BuildState
from headgate.engine import sightings
from headgate.engine.application import Application
from headgate.engine.engine import Engine
from headgate.engine.following import Follower
from headgate.engine.refusals import Rejected
from headgate.engine.releasing import Wanted
from headgate.engine.world import World
from headgate.model import events as e
from headgate.model.builds import Build
from headgate.model.ids import BuildId, ReleaseId, application_stream
from headgate.ports import Unusable
from headgate.spec.compile import application as compiled
from headgate.spec.read import read
from headgate.testing.fakes.clock import FakeClock
from headgate.testing.fakes.eventlog import MemoryEventLog
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.platform import FakePlatform
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.fakes.source import FakeSource

SHOP = "/repositories/shop"
SECOND = timedelta(seconds=1)
FILE = """\
application: shop
services:
  web: {build: web, command: [serve], port: 8000}
environments:
  staging: {platform: process, deploy: on-build, branches: [main, "release/*"]}
  qa: {platform: process, deploy: on-request}
"""
DEVINT = FILE + '  devint: {platform: process, branches: [main, "feature/*"], integrate: true}\n'


def files(web: str = "1", text: str = FILE, **more: str) -> dict[str, str]:
    return {"headgate.yaml": text, "web/app.py": web, **more}


@dataclass
class Following:
    folder: Path
    text: str = FILE

    def __post_init__(self) -> None:
        self.clock, self.source = FakeClock(), FakeSource()
        self.log = MemoryEventLog(self.clock)
        self.platform = FakePlatform(self.clock)
        self.numbers = count(1)
        self.engine = self.started()

    def started(self) -> Engine:
        """An engine on what the log knows: as after a restart. Nothing turns by itself."""
        world = World(
            {"process": self.platform}, {"envoy": FakeRouter()}, {"envoy": FakeMetrics()}, self.source, self.folder
        )
        return Engine(world, self.log, self.clock, lambda prefix: f"{prefix}_{next(self.numbers):012x}")

    async def restart(self) -> None:
        self.engine = self.started()
        application = Application("shop", self.engine.world, self.log, self.clock, self.engine.new_id, self.engine.line)
        await application.remember()
        self.engine.applications["shop"] = application
        self.follower = Follower(application, self.engine.release)

    async def apply(self, text: str = "") -> None:
        await self.restart()
        rules = compiled(read(text or self.text), SHOP, "headgate.yaml")
        await self.application.record([e.SpecificationApplied(rules, "ann")])

    @property
    def application(self) -> Application:
        return self.engine.applications["shop"]

    def commit(self, branch: str = "main", web: str = "1", message: str = "Change", **more: str) -> str:
        return self.source.commit(SHOP, files(web, self.text, **more), message, branch).sha

    async def look(self) -> list[str]:
        """A second later; returns what became of what moved."""
        self.clock.advance(self.follower_pause())
        before = len(await self.log.read(application_stream("shop")))
        await self.follower.turn()
        recorded = await self.log.read(application_stream("shop"), before)
        return [said(one.event) for one in recorded if isinstance(one.event, e.CommitSeen | e.BranchesIntegrated)]

    def follower_pause(self) -> timedelta:
        return SECOND

    async def releases(self) -> list[str]:
        recorded = await self.log.read(application_stream("shop"))
        announced = (one.event for one in recorded if isinstance(one.event, e.ReleaseAnnounced))
        return [f"{one.label}@{one.branch}" for one in announced]


def said(event: e.CommitSeen | e.BranchesIntegrated) -> str:
    what = event.environment if isinstance(event, e.BranchesIntegrated) else event.ref
    return f"{what} {event.outcome}"


@pytest.fixture
async def shop(tmp_path: Path) -> Following:
    made = Following(tmp_path / "releases")
    made.commit(web="0")
    await made.apply()
    assert await made.look() == []  # what was there before is only noted
    assert await made.releases() == []
    return made


async def test_a_commit_becomes_a_release_that_sets_out(shop: Following) -> None:
    sha = shop.commit(web="2")
    assert await shop.look() == ["refs/heads/main released"]
    assert await shop.releases() == [f"{sha[:7]}@main"]
    staging = shop.application.wheel("staging").state
    assert staging.rollout is not None
    assert staging.rollout.revision.commit == sha
    assert shop.application.wheel("qa").state.rollout is None


async def test_it_is_looked_as_often_as_the_file_says_and_when_told(shop: Following) -> None:
    await shop.apply(FILE + "source: {poll: 10s}\n")
    await shop.follower.turn()
    looks = shop.source.looks
    shop.clock.advance(9 * SECOND)
    assert await shop.follower.turn() == SECOND
    assert shop.source.looks == looks
    shop.follower.look()
    assert await shop.follower.turn() == 10 * SECOND
    shop.clock.advance(10 * SECOND)
    await shop.follower.turn()
    assert shop.source.looks == looks + 2
    shop.clock.advance(timedelta(days=-1))  # a clock that is set back holds nothing up
    await shop.follower.turn()
    assert shop.source.looks == looks + 3


async def test_a_restart_neither_misses_nor_repeats(shop: Following) -> None:
    shop.commit(web="2")
    await shop.look()
    await shop.restart()
    assert await shop.look() == []
    missed = shop.commit(web="3")
    await shop.restart()
    assert await shop.look() == ["refs/heads/main released"]
    assert (await shop.releases())[1:] == [f"{missed[:7]}@main"]


async def test_a_crash_between_the_release_and_the_record_of_it(shop: Following) -> None:
    sha = shop.commit(web="2")
    await shop.engine.release("shop", sha, "headgate", Wanted("main"))
    await shop.restart()
    assert await shop.look() == ["refs/heads/main released"]
    assert await shop.releases() == [f"{sha[:7]}@main"]


@pytest.mark.parametrize("marker", ["[skip ci]", "[ci skip]", "[Skip CI]"])
async def test_a_commit_that_asks_for_it_is_skipped_and_that_is_said(shop: Following, marker: str) -> None:
    sha = shop.commit(web="2", message=f"Work in progress\n\n{marker}")
    assert await shop.look() == ["refs/heads/main skipped"]
    assert await shop.releases() == []
    told = sightings.source(shop.application, shop.follower)["commits"][0]
    remedy = f"`headgate release {sha[:10]}` makes a release of it"
    assert told["text"] == f"main at {sha[:7]}: skipped: its message says {marker}; {remedy}"
    assert sightings.concerning(shop.application, "staging") == [told]
    assert sightings.concerning(shop.application, "qa") == []


@pytest.mark.parametrize(
    ("release", "told"), [("rel_1", "released: all 2 steps passed"), (None, "failed: test failed")]
)
async def test_what_is_built_is_told_as_what_it_has_become(shop: Following, release: str | None, told: str) -> None:
    sha = shop.commit(web="2")
    await shop.application.record([e.CommitSeen("refs/heads/main", sha, "building", "bld_1 tests it")])
    build = Build(BuildId("bld_1"), "shop", sha, "main", "ann", "x", None, shop.clock.now())
    running = BuildState(build, (), SHOP, "headgate.yaml", "ann")
    text = f"main at {sha[:7]}: building: bld_1 tests it"
    assert sightings.source(shop.application, None, [running])["commits"][0]["text"] == text
    why, made = told.partition(": ")[2], ReleaseId(release) if release else None
    ended = replace(running, outcome="passed" if release else "failed", why=why, release=made)
    (shown,) = sightings.concerning(shop.application, "staging", [ended])
    assert (shown["text"], shown["release"]) == (f"main at {sha[:7]}: {told} in bld_1", release)


async def test_a_commit_that_changes_nothing_that_is_built_makes_no_release(shop: Following) -> None:
    shop.commit(web="2")
    await shop.look()
    shop.commit(web="2", README="more words")
    assert await shop.look() == ["refs/heads/main unchanged"]
    assert "nothing that a service is built from changed" in str(sightings.source(shop.application, None))
    shop.text = FILE.replace("port: 8000", "port: 9000")
    shop.commit(web="2")
    assert await shop.look() == ["refs/heads/main released"]
    assert len(await shop.releases()) == 2


async def test_another_image_is_another_release(shop: Following) -> None:
    """Nothing is built of it here, and its folder is none of ours: words beside it change nothing."""
    shop.text = FILE.replace("{build: web, command", "{image: web:1, command")
    shop.commit()
    assert await shop.look() == ["refs/heads/main released"]
    shop.commit(web="2", README="words")
    assert await shop.look() == ["refs/heads/main unchanged"]
    shop.text = shop.text.replace("web:1", "web:2")
    shop.commit(web="2")
    assert await shop.look() == ["refs/heads/main released"]


async def test_other_branches_are_left_alone_and_new_ones_that_match_are_not(shop: Following) -> None:
    shop.commit("feature/x", web="5")
    assert await shop.look() == []
    shop.commit("release/7", web="6")
    assert await shop.look() == ["refs/heads/release/7 released"]


async def test_a_commit_that_a_second_branch_reaches_is_for_that_one_too(shop: Following) -> None:
    """Fast-forward: what was released from a branch becomes main."""
    sha = shop.commit(web="2")
    await shop.engine.release("shop", sha, "ann", Wanted("feature/x"))
    assert shop.application.wheel("staging").state.rollout is None
    assert await shop.look() == ["refs/heads/main released"]
    assert await shop.releases() == [f"{sha[:7]}@feature/x", f"{sha[:7]}@main"]
    assert shop.application.wheel("staging").state.rollout is not None


async def test_what_an_applied_file_follows_anew_is_only_noted(shop: Following) -> None:
    shop.commit("feature/old", web="5")
    main = shop.commit(web="7")
    await shop.apply(FILE.replace('"release/*"', '"feature/*"'))
    assert await shop.look() == ["refs/heads/main released"]  # moved meanwhile: it is not missed
    assert await shop.releases() == [f"{main[:7]}@main"]


async def test_a_tag_makes_a_release_that_nobody_takes_by_himself(shop: Following) -> None:
    await shop.apply(FILE + 'source: {tags: ["v*"], branches: [release/*]}\n')
    await shop.look()
    shop.source.commit(SHOP, files("9"), branch="main", version="v1.0")
    assert await shop.look() == ["refs/tags/v1.0 released"]
    assert shop.application.release("v1.0").version == "v1.0"
    assert shop.application.wheel("staging").state.rollout is None


async def test_a_commit_that_is_tagged_later_is_called_so(shop: Following) -> None:
    await shop.apply(FILE + 'source: {tags: ["v*"]}\n')
    sha = shop.commit(web="2")
    await shop.look()
    tagged = shop.source._commits[SHOP][-1]
    shop.source._commits[SHOP][-1] = replace(tagged, version="v2")
    assert await shop.look() == ["refs/tags/v2 released"]
    assert shop.application.release("v2").commit == sha
    assert len(await shop.releases()) == 1


async def test_a_file_that_is_wrong_is_said_once_and_the_next_commit_is_awaited(shop: Following) -> None:
    shop.text = FILE.replace("port: 8000", "port: high")
    shop.commit(web="2")
    assert await shop.look() == ["refs/heads/main failed"]
    assert "headgate.yaml at" in str(sightings.source(shop.application, None)["commits"][0]["text"])
    assert await shop.look() == []
    shop.source.commit(SHOP, {"web/app.py": "3"})
    assert await shop.look() == ["refs/heads/main failed"]
    shop.text = FILE
    shop.commit(web="4")
    assert await shop.look() == ["refs/heads/main released"]


async def test_a_source_that_is_down_is_said_asked_less_often_and_nothing_is_lost(shop: Following) -> None:
    shop.commit(web="2")
    shop.source.down = "git.example.org does not answer"
    pauses = []
    for _ in range(12):
        shop.follower.look()
        pauses.append(await shop.follower.turn())
    assert sightings.source(shop.application, shop.follower)["trouble"] == "git.example.org does not answer"
    assert (pauses[0], pauses[-1]) == (2 * SECOND, timedelta(minutes=2))
    shop.source.down = ""
    shop.follower.look()
    assert await shop.look() == ["refs/heads/main released"]
    assert shop.follower.trouble == ""


async def test_where_another_ci_announces_nothing_is_released_by_itself(shop: Following) -> None:
    await shop.apply(FILE + "source: {releases: on-announce}\n")
    looks = shop.source.looks
    shop.commit(web="2")
    assert await shop.look() == []
    assert shop.source.looks == looks


class TestIntegration:
    @pytest.fixture
    async def devint(self, tmp_path: Path) -> Following:
        made = Following(tmp_path / "releases", DEVINT)
        made.commit(web="0", prices="0")
        await made.apply()
        return made

    async def test_all_that_merge_are_one_release_for_this_environment(self, devint: Following) -> None:
        devint.commit("feature/a", web="2", prices="0")
        devint.commit("feature/b", web="0", prices="3")
        assert await devint.look() == ["devint released"]
        there = devint.application.wheel("devint").state.rollout
        assert there is not None
        release = devint.application.releases[there.revision.release]
        assert (release.only, release.branch) == ("devint", "integration/devint")
        assert devint.application.wheel("staging").state.rollout is None
        assert await devint.look() == []
        await devint.restart()
        assert await devint.look() == []

    async def test_what_conflicts_is_left_out_and_named_and_it_is_done_again_when_one_moves(
        self, devint: Following
    ) -> None:
        devint.commit("feature/a", web="2", prices="0")
        devint.commit("feature/b", web="3", prices="0")
        assert await devint.look() == ["devint released"]
        told = sightings.concerning(devint.application, "devint")[-1]
        assert told["left_out"] == {"feature/b": ["web/app.py"]}
        assert "feature/b is left out, in conflict: web/app.py" in told["text"]
        devint.commit("feature/b", web="0", prices="0", **{"web/b.py": "4"})
        assert await devint.look() == ["devint released"]
        assert sightings.concerning(devint.application, "devint")[-1]["left_out"] == {}

    async def test_it_never_goes_further(self, devint: Following) -> None:
        devint.commit("feature/a", web="2", prices="0")
        await devint.look()
        release = devint.application.wheel("devint").state.rollout.revision.release  # type: ignore[union-attr]
        for environment in ("staging", "qa"):
            with pytest.raises(Rejected, match="integration of branches for devint and never goes further"):
                await devint.engine.deploy("shop", environment, release, "ann")
        commit = devint.application.releases[release].commit
        with pytest.raises(Rejected, match="release one of its branches"):
            await devint.engine.release("shop", commit, "ann")
        with pytest.raises(Rejected, match="no release yet"):
            await devint.engine.deploy("shop", "qa", None, "ann")

    async def test_a_release_of_main_does_not_push_the_integration_aside(self, devint: Following) -> None:
        devint.commit("feature/a", web="2", prices="0")
        await devint.look()
        devint.commit("main", web="0", prices="0", **{"web/main.py": "9"})
        assert await devint.look() == ["refs/heads/main released", "devint released"]
        assert devint.application.wheel("staging").state.rollout is not None

    async def test_what_cannot_be_integrated_is_said_and_holds_up_nothing_else(
        self, devint: Following, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse(*_: object) -> None:
            raise Unusable("devint: 300 branches match, at most 200 are integrated; name fewer")

        monkeypatch.setattr(devint.source, "integrate", refuse)
        devint.commit("feature/a", web="2", prices="0")
        devint.commit("main", web="3", prices="0")
        assert await devint.look() == ["devint failed"]
        devint.commit("main", web="4", prices="0")
        assert await devint.look() == ["refs/heads/main released", "devint failed"]
        assert "name fewer" in sightings.concerning(devint.application, "devint")[-1]["text"]

    async def test_what_changes_nothing_is_no_release(self, devint: Following) -> None:
        devint.commit("feature/a", web="2", prices="0")
        await devint.look()
        devint.commit("feature/a", web="2", prices="0", README="words")
        assert await devint.look() == ["devint unchanged"]


async def test_an_applied_file_is_looked_for_at_once(tmp_path: Path) -> None:
    """A commit right after it is news, not what was there before."""
    made = Following(tmp_path / "releases")
    made.commit(web="0")
    await made.engine.start()
    try:
        await made.engine.apply(compiled(read(FILE), SHOP, "headgate.yaml"), "ann")
        async with asyncio.timeout(2):
            while not made.application.state.followed.heads:
                await asyncio.sleep(0.01)
            made.commit(web="2")
            made.clock.advance(SECOND)
            made.engine.look("shop")
            while not made.application.releases:
                await asyncio.sleep(0.01)
    finally:
        await made.engine.stop()
