"""Undoing in real repositories: what came between two commits and no more, pushed and never by force."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.sources.test_following import GitStage

from headgate.model.reverts import Undoing
from headgate.ports import AdapterError, Unusable
from headgate.testing.contracts.source import MAIN

ONTO = "headgate/revert-1"


def files(web: str = "1\n", **more: str) -> dict[str, str]:
    return {**MAIN, "web/app.py": web, **more}


class Repository:
    """`good`, two commits that are bad, and whatever comes later."""

    def __init__(self, stage: GitStage) -> None:
        self.stage, self.source, self.repository = stage, stage.source, stage.repository
        self.good = stage.make("main", files())
        stage.make("main", files("2\n"), "Half of it")
        self.bad = self.head = stage.make("main", files("3\n", new="1\n"), "The other half")

    def later(self, **more: str) -> None:
        self.head = self.stage.make("main", {**files("3\n", new="1\n"), **more}, "Later")

    def wanted(self, onto: str = ONTO) -> Undoing:
        return Undoing(self.head, self.bad, self.good, onto, "Revert v2 to v1\n\nbecause")

    def at(self, branch: str) -> dict[str, str]:
        names = self.stage.git("ls-tree", "-r", "--name-only", branch).splitlines()
        return {name: self.stage.git("show", f"{branch}:{name}") + "\n" for name in names}


@pytest.fixture
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Repository:
    return Repository(GitStage(tmp_path, getattr(request, "param", "")))


BOTH = pytest.mark.parametrize("shop", ["", "file://"], ids=["folder", "remote"], indirect=True)


@BOTH
async def test_all_that_came_between_is_undone_and_what_came_later_stays(shop: Repository) -> None:
    shop.later(docs="new\n")
    before = await shop.source.heads(shop.repository)
    made = await shop.source.undo(shop.repository, shop.wanted())
    assert (made.outcome, made.why) == ("pushed", f"{made.commit[:10]} was pushed to {ONTO}")
    assert shop.at(ONTO) == files(docs="new\n")
    assert shop.stage.git("log", "-1", "--format=%P %an %B", ONTO) == f"{shop.head} Headgate Revert v2 to v1\n\nbecause"
    assert await shop.source.heads(shop.repository) == {**before, f"refs/heads/{ONTO}": made.commit}
    assert shop.stage.git("status", "--porcelain") == ""


async def test_asked_again_it_is_the_same_commit(shop: Repository) -> None:
    """The server was killed between the push and its record."""
    made = [await shop.source.undo(shop.repository, shop.wanted()) for _ in range(2)]
    assert made[0] == made[1]


async def test_what_later_rests_on_is_a_conflict_and_nothing_is_pushed(shop: Repository) -> None:
    shop.later(**{"web/app.py": "4\n"})
    before = await shop.source.heads(shop.repository)
    made = await shop.source.undo(shop.repository, shop.wanted())
    assert (made.outcome, made.why) == ("conflict", "what came later rests on it: web/app.py")
    assert await shop.source.heads(shop.repository) == before


async def test_what_is_undone_already_is_left(shop: Repository) -> None:
    shop.head = shop.stage.make("main", files(), "Revert it by hand")
    assert (await shop.source.undo(shop.repository, shop.wanted())).outcome == "nothing"


async def test_what_is_not_in_the_branch_any_more_is_left(shop: Repository) -> None:
    shop.stage.git("reset", "-q", "--hard", shop.good)
    shop.head = shop.stage.make("main", files(other="1\n"))
    made = await shop.source.undo(shop.repository, shop.wanted())
    assert (made.outcome, made.why) == ("nothing", f"{shop.bad[:10]} is no longer in the history of its branch")


@BOTH
async def test_a_branch_that_went_another_way_is_not_forced(shop: Repository) -> None:
    other = shop.stage.make(ONTO, files(other="1\n"))
    with pytest.raises(AdapterError, match=f"cannot be pushed to {ONTO}"):
        await shop.source.undo(shop.repository, shop.wanted())
    assert (await shop.source.heads(shop.repository))[f"refs/heads/{ONTO}"] == other


async def test_onto_the_branch_itself_where_nobody_works_on_it(shop: Repository) -> None:
    shop.stage.git("switch", "-q", "-c", "elsewhere")
    made = await shop.source.undo(shop.repository, shop.wanted("main"))
    assert shop.at("main") == files()
    assert (await shop.source.heads(shop.repository))["refs/heads/main"] == made.commit


async def test_a_branch_that_is_checked_out_is_not_moved(shop: Repository) -> None:
    with pytest.raises(AdapterError, match="cannot be pushed to main"):
        await shop.source.undo(shop.repository, shop.wanted("main"))
    assert (await shop.source.heads(shop.repository))["refs/heads/main"] == shop.bad


@pytest.mark.parametrize("name", ["a..b", "-x"])
async def test_a_name_that_is_no_branch_is_refused(shop: Repository, name: str) -> None:
    with pytest.raises(Unusable, match="is no name of a branch"):
        await shop.source.undo(shop.repository, shop.wanted(name))


async def test_only_whole_commits_are_taken(shop: Repository) -> None:
    with pytest.raises(AdapterError, match="give the full SHA"):
        await shop.source.undo(shop.repository, replace(shop.wanted(), bad="--upload-pack=x"))


async def test_a_hook_of_a_folder_does_not_run(tmp_path: Path) -> None:
    shop = Repository(GitStage(tmp_path))
    hook = shop.stage.path / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    await shop.source.undo(shop.repository, shop.wanted())
    assert not (tmp_path / "ran").exists()
    subprocess.run(["git", "-C", str(shop.stage.path), "branch", "other"], check=True)
    assert (tmp_path / "ran").exists(), "it would have run"
