"""What every source must hold. Subclass, and give a fixture `stage`: a source, and a repository to commit to."""

from pathlib import Path
from typing import Protocol

import pytest

from headgate.model.sources import INTEGRATED
from headgate.ports import AdapterError, Source, Unusable

MAIN = {"headgate.yaml": "application: shop\n", "web/app.py": "1\n", "prices/app.py": "1\n"}
HOSTILE = ("feature/$(touch${IFS}pwned)", "feature/;id", "feature/`id`", "feature/'\"|&<>")


class Stage(Protocol):
    source: Source
    repository: str

    async def commit(
        self, branch: str, files: dict[str, str], message: str = "Change", version: str | None = None
    ) -> str:
        """On top of the branch; a new branch begins where main is. `files` is all there is. Returns the SHA."""
        ...


class SourceContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`")

    async def test_heads_are_branches_and_tags_with_their_commits(self, stage: Stage) -> None:
        first = await stage.commit("main", MAIN, version="v1")
        other = await stage.commit("feature/x", {**MAIN, "web/app.py": "2\n"})
        assert await stage.source.heads(stage.repository) == {
            "refs/heads/main": first,
            "refs/heads/feature/x": other,
            "refs/tags/v1": first,
        }

    async def test_what_moved_is_seen_at_the_next_look(self, stage: Stage) -> None:
        await stage.commit("main", MAIN)
        await stage.source.heads(stage.repository)
        for number in range(5):
            moved = await stage.commit("main", {**MAIN, "web/app.py": f"{number}\n"})
            assert (await stage.source.heads(stage.repository))["refs/heads/main"] == moved

    async def test_names_that_shells_would_obey_are_names(self, stage: Stage) -> None:
        await stage.commit("main", MAIN)
        made = {name: await stage.commit(name, {**MAIN, "a": name}) for name in HOSTILE}
        heads = await stage.source.heads(stage.repository)
        assert {name: heads[f"refs/heads/{name}"] for name in HOSTILE} == made
        for name, sha in made.items():
            assert (await stage.source.resolve(stage.repository, sha, name)).branch == name

    async def test_a_message_is_told_whole(self, stage: Stage) -> None:
        sha = await stage.commit("main", MAIN, "Sell more\n\nand [skip ci] \x1b[2J")
        found = await stage.source.resolve(stage.repository, sha)
        assert (found.subject, "[skip ci]" in found.message) == ("Sell more", True)

    async def test_the_branch_that_moved_is_preferred(self, stage: Stage) -> None:
        await stage.commit("main", MAIN)
        sha = await stage.commit("feature/x", {**MAIN, "b": "1"})
        assert (await stage.source.resolve(stage.repository, sha, "feature/x")).branch == "feature/x"

    async def test_equal_folders_have_equal_digests(self, stage: Stage, tmp_path: Path) -> None:
        first = await stage.commit("main", MAIN)
        second = await stage.commit("main", {**MAIN, "web/app.py": "2\n"})
        before = await stage.source.digests(stage.repository, first, ["web", "prices", "."])
        after = await stage.source.digests(stage.repository, second, ["web", "prices", "."])
        assert before["prices"] == after["prices"]
        assert before["web"] != after["web"]
        assert before["."] != after["."]
        laid_out = await stage.source.checkout(stage.repository, second, tmp_path / "out" / "rel", ["web", "prices"])
        assert laid_out == {name: after[name] for name in ("web", "prices")}

    async def test_a_file_that_is_not_there_is_unusable(self, stage: Stage) -> None:
        """Asking again would not help: who follows a branch goes on to the next commit."""
        sha = await stage.commit("main", MAIN)
        with pytest.raises(Unusable):
            await stage.source.read_file(stage.repository, sha, "other.yaml")

    async def test_what_came_between_two_commits_newest_first(self, stage: Stage) -> None:
        first, _, last = [await stage.commit("main", {**MAIN, "a": text}, f"Write {text}") for text in "123"]
        found = await stage.source.between(stage.repository, first, last)
        assert [one.subject for one in found] == ["Write 3", "Write 2"]
        assert (found[0].sha, found[0].author) == (last, (await stage.source.resolve(stage.repository, last)).author)
        assert await stage.source.between(stage.repository, last, last) == []
        assert await stage.source.between(stage.repository, last, first) == []

    async def test_branches_that_merge_cleanly_are_one_commit(self, stage: Stage, tmp_path: Path) -> None:
        main = await stage.commit("main", MAIN)
        web = await stage.commit("feature/web", {**MAIN, "web/app.py": "2\n"})
        prices = await stage.commit("feature/prices", {**MAIN, "prices/app.py": "3\n"})
        heads = [("main", main), ("feature/prices", prices), ("feature/web", web)]
        made = await stage.source.integrate(stage.repository, heads, "devint")
        assert (made.branches, made.left_out) == (("main", "feature/prices", "feature/web"), {})
        assert (await stage.source.resolve(stage.repository, made.commit)).branch == INTEGRATED
        into = tmp_path / "releases" / "rel"
        await stage.source.checkout(stage.repository, made.commit, into, ["."])
        assert ((into / "web/app.py").read_text(), (into / "prices/app.py").read_text()) == ("2\n", "3\n")

    async def test_what_does_not_merge_is_left_out_with_its_files(self, stage: Stage) -> None:
        main = await stage.commit("main", MAIN)
        one = await stage.commit("feature/one", {**MAIN, "web/app.py": "2\n"})
        two = await stage.commit("feature/two", {**MAIN, "web/app.py": "3\n", "new": "1\n"})
        heads = [("main", main), ("feature/one", one), ("feature/two", two)]
        made = await stage.source.integrate(stage.repository, heads, "devint")
        assert (made.branches, made.left_out) == (("main", "feature/one"), {"feature/two": ("web/app.py",)})

    async def test_the_same_heads_are_the_same_commit_and_the_repository_is_left_alone(self, stage: Stage) -> None:
        main = await stage.commit("main", MAIN)
        one = await stage.commit("feature/one", {**MAIN, "web/app.py": "2\n"})
        before = await stage.source.heads(stage.repository)
        heads = [("main", main), ("feature/one", one)]
        made = [await stage.source.integrate(stage.repository, heads, "devint") for _ in range(2)]
        other = await stage.source.integrate(stage.repository, heads, "other")
        assert made[0] == made[1] != other
        assert await stage.source.heads(stage.repository) == before

    async def test_a_commit_that_is_not_there_is_an_error(self, stage: Stage) -> None:
        await stage.commit("main", MAIN)
        with pytest.raises(AdapterError):
            await stage.source.resolve(stage.repository, "0" * 40)
