"""A repository that a real server follows: commits, restarts between them, branches that conflict, hostile names."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.faults.journal import Journal
from tests.faults.stage import Refused, Stage

from headgate.model import events as e

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]

DEVINT = """\
environments:
  devint: {platform: process, branches: [main, "feature/*"], integrate: true, keep_warm: 0s}
"""


async def followed(stage: Stage, *, integrate: bool = False) -> None:
    """Production takes every commit of main at once."""
    stage.repository.edit("    platform: process\n", "    platform: process\n    deploy: on-build\n")
    stage.repository.edit("strategy: {canary: {steps: [20, 50]}}", "strategy: all-at-once")
    stage.repository.edit("    bake: 2s\n", "")
    if integrate:
        stage.repository.edit("environments:\n", DEVINT)
    stage.repository.commit("v1")
    await stage.serve()
    await stage.apply()
    journal = Journal(stage.data / "events.db", "application:shop")

    async def noted() -> bool:
        return any(isinstance(one.event, e.SourceFollowed) for one in journal.events())

    await stage.until(noted, "what is there is noted")
    journal.close()


async def seen(stage: Stage) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = (await stage.ask("/shop"))["followed"]["commits"]
    return told


async def stable(stage: Stage, environment: str, label: str) -> None:
    async def there() -> bool:
        view = await stage.ask(f"/shop/environments/{environment}")
        return bool(view["stable"]) and view["stable"]["label"] == label and view["rollout"] is None

    await stage.until(there, f"{label} is stable in {environment}")


async def test_commits_become_releases_and_a_restart_misses_and_repeats_none(stage: Stage) -> None:
    await followed(stage)
    stage.repository.commit("v2")
    await stable(stage, "production", "v2")
    stage.kill_server()
    stage.repository.commit("v3")
    await stage.serve()
    await stable(stage, "production", "v3")
    stage.repository.git("commit", "--quiet", "--allow-empty", "--message", "Words only")
    await stage.until(lambda: outcome(stage, "unchanged"), "the empty commit is seen")
    evil = "$(touch pwned); [skip ci] \x1b[2J"
    (stage.repository.folder / "app" / "more").write_text("1")
    stage.repository.git("add", ".")
    stage.repository.git("commit", "--quiet", "--message", evil)
    await stage.until(lambda: outcome(stage, "skipped"), "the commit is skipped")
    releases = (await stage.ask("/shop/releases"))["releases"]
    assert [one["label"] for one in releases] == ["v3", "v2"]
    assert not list(stage.folder.rglob("pwned"))


async def outcome(stage: Stage, wanted: str) -> bool:
    return (await seen(stage))[0]["outcome"] == wanted


async def test_branches_are_integrated_and_what_conflicts_is_named(stage: Stage) -> None:
    await followed(stage, integrate=True)
    branch(stage, "feature/one", "app/one", "1")
    branch(stage, "feature/two", "app/behaviour.json", '{"version": "two"}')
    branch(stage, "feature/three", "app/behaviour.json", '{"version": "three"}')

    async def whole() -> bool:
        told = [one for one in await seen(stage) if one.get("environment") == "devint"]
        return bool(told) and set(told[0]["branches"]) == {"main", "feature/one", "feature/two", "feature/three"}

    await stage.until(whole, "all branches are integrated")
    told = next(one for one in await seen(stage) if one.get("environment") == "devint")
    assert told["left_out"] == {"feature/two": ["app/behaviour.json"]}
    await stable(stage, "devint", told["commit"][:7])
    assert git(stage.repository.folder, "status", "--porcelain") == ""
    assert git(stage.repository.folder, "branch", "--format=%(refname:short)").split() == [
        *("feature/one", "feature/three", "feature/two", "main"),
    ]
    with pytest.raises(Refused, match="never goes further"):
        await stage.tell("deploy", release=told["release"])
    assert (await stage.shown())["stable"] is None


def branch(stage: Stage, name: str, path: str, text: str) -> None:
    stage.repository.git("switch", "--quiet", "--create", name, "main")
    (stage.repository.folder / path).write_text(text)
    stage.repository.git("add", ".")
    stage.repository.git("commit", "--quiet", "--message", f"Change {path}")
    stage.repository.git("switch", "--quiet", "main")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
