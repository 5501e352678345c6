"""The git source, on real repositories: what a name stands for, and what is laid out of it."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.adapters.sources.git import GitSource
from headgate.adapters.sources.git.tree import parse
from headgate.ports import AdapterError, Source

AUTHOR = {"GIT_AUTHOR_NAME": "Zoë", "GIT_AUTHOR_EMAIL": "zoe@example.org"}
COMMITTER = {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_CONFIG_GLOBAL": "/dev/null"}


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, given: str | None = None) -> str:
        environment = {**os.environ, **AUTHOR, **COMMITTER}
        command = ["git", "-C", str(self.path), *arguments]
        done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, subject: str, **files: str) -> str:
        """Slashes in names are written `__`."""
        for name, text in files.items():
            path = self.path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def tree(self, *lines: str) -> str:
        """A commit of any entries `MODE TYPE DIGEST<tab>NAME`, also of those that git itself would refuse to make."""
        raw = b"".join(raw_entry(line) for line in lines)
        command = ["git", "-C", str(self.path), "hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
        digest = subprocess.run(command, input=raw, capture_output=True, check=True).stdout.decode().strip()
        return self.git("commit-tree", digest, "-m", "forged")

    def blob(self, text: str) -> str:
        return self.git("hash-object", "-w", "--stdin", given=text)


def raw_entry(line: str) -> bytes:
    head, name = line.split("\t")
    mode, _, digest = head.split()
    return f"{mode} {name}".encode() + b"\0" + bytes.fromhex(digest)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "pcw")


@pytest.fixture
def source(tmp_path: Path) -> GitSource:
    return GitSource(tmp_path / "scratch")


def test_it_is_a_source(source: GitSource) -> None:
    checked: Source = source
    assert checked is source


class TestResolve:
    async def test_a_branch_a_tag_and_a_commit(self, source: GitSource, repository: Repository) -> None:
        first = repository.commit("Rate motor enquiries: first", a="1")
        repository.git("tag", "v1.0")
        repository.git("branch", "feature/home")
        second = repository.commit("Second\n\nwith a body", a="2")
        for reference, sha in (("main", second), ("HEAD", second), ("v1.0", first), (first, first), (first[:8], first)):
            assert (await source.resolve(str(repository.path), reference)).sha == sha
        commit = await source.resolve(str(repository.path), "feature/home")
        assert (commit.sha, commit.branch, commit.version) == (first, "feature/home", "v1.0")
        assert (commit.author, commit.subject) == ("Zoë <zoe@example.org>", "Rate motor enquiries: first")
        latest = await source.resolve(str(repository.path), "main")
        assert (latest.branch, latest.version, latest.subject) == ("main", None, "Second")
        assert latest.committed_at.timestamp() == int(repository.git("log", "-1", "--format=%ct", second))

    async def test_the_highest_of_several_tags_is_the_version(self, source: GitSource, repository: Repository) -> None:
        repository.commit("one")
        for tag in ("v1.9", "v1.10", "v1.2"):
            repository.git("tag", "-a", tag, "-m", tag)
        assert (await source.resolve(str(repository.path), "main")).version == "v1.10"
        assert (await source.resolve(str(repository.path), "v1.2")).version == "v1.2"

    async def test_a_commit_on_no_branch_has_none(self, source: GitSource, repository: Repository) -> None:
        repository.commit("one")
        loose = repository.git("commit-tree", "HEAD^{tree}", "-m", "loose")
        assert (await source.resolve(str(repository.path), loose)).branch == ""

    @pytest.mark.parametrize(
        "reference", ["", "--help", "-x", "main\n", "a b", "main\0", "nope", "main:a", "main^{blob}"]
    )
    async def test_a_hostile_or_unknown_name_is_refused(
        self, source: GitSource, repository: Repository, reference: str
    ) -> None:
        repository.commit("one", a="1")
        with pytest.raises(AdapterError, match=r"refused|no branch, tag or commit is called"):
            await source.resolve(str(repository.path), reference)

    @pytest.mark.parametrize("name", ["", "/none", "https://example.org/pcw.git", "ext::sh -c id", "a\0", "-h"])
    async def test_what_is_no_folder_is_refused(self, source: GitSource, name: str) -> None:
        with pytest.raises(AdapterError):
            await source.resolve(name, "main")

    async def test_a_folder_inside_a_repository_is_not_one(self, source: GitSource, repository: Repository) -> None:
        repository.commit("one", services__web__a="1")
        with pytest.raises(AdapterError, match="not a git repository"):
            await source.resolve(str(repository.path / "services"), "main")


class TestReadFile:
    async def test_the_text_at_that_commit(self, source: GitSource, repository: Repository) -> None:
        first = repository.commit("one", deploy__headgate="first: ä")
        repository.commit("two", deploy__headgate="second")
        assert await source.read_file(str(repository.path), first, "deploy/headgate") == "first: ä"
        assert await source.read_file(str(repository.path), first, "./deploy/headgate") == "first: ä"

    @pytest.mark.parametrize("path", ["none", "deploy", "../x", "/etc/passwd", "", "a\nb", "a\0", "--help"])
    async def test_what_is_not_there_is_refused(self, source: GitSource, repository: Repository, path: str) -> None:
        sha = repository.commit("one", deploy__headgate="x")
        with pytest.raises(AdapterError, match=r"refused|there is no file"):
            await source.read_file(str(repository.path), sha, path)

    @pytest.mark.parametrize("commit", ["main", "HEAD", "", "0" * 39, "--help", "A" * 40])
    async def test_only_a_full_sha_is_taken(self, source: GitSource, repository: Repository, commit: str) -> None:
        repository.commit("one", a="x")
        with pytest.raises(AdapterError, match="full SHA"):
            await source.read_file(str(repository.path), commit, "a")

    async def test_what_is_no_text_or_too_long_is_refused(self, source: GitSource, repository: Repository) -> None:
        repository.path.joinpath("picture").write_bytes(b"\x89PNG\xff")
        sha = repository.commit("one", long="x" * 1_000_001)
        with pytest.raises(AdapterError, match="not UTF-8"):
            await source.read_file(str(repository.path), sha, "picture")
        with pytest.raises(AdapterError, match="too long"):
            await source.read_file(str(repository.path), sha, "long")


class TestCheckout:
    async def test_exactly_the_commit_is_laid_out(
        self, source: GitSource, repository: Repository, tmp_path: Path
    ) -> None:
        repository.path.joinpath(".gitattributes").write_text("* text eol=crlf export-subst\nhidden export-ignore\n")
        repository.path.joinpath("run").write_text("#!/bin/sh\n")
        repository.path.joinpath("run").chmod(0o755)
        repository.path.joinpath("link").symlink_to("services/web")
        sha = repository.commit("one", services__web__app="$Format:%H$\n", hidden="h")
        repository.commit("two", services__web__app="later\n", more="m")
        into = tmp_path / "releases" / "rel_1"
        await source.checkout(str(repository.path), sha, into, [])
        files = sorted(
            str(path.relative_to(into)) for path in into.rglob("*") if path.is_symlink() or not path.is_dir()
        )
        assert files == [".gitattributes", "hidden", "link", "run", "services/web/app"]
        assert (into / "link" / "app").read_bytes() == b"$Format:%H$\n"
        assert os.access(into / "run", os.X_OK)
        assert not os.access(into / "hidden", os.X_OK)
        assert [path.name for path in into.parent.iterdir()] == ["rel_1"]

    async def test_a_folders_digest_changes_with_its_content_alone(
        self, source: GitSource, repository: Repository, tmp_path: Path
    ) -> None:
        shas = [
            repository.commit("one", web__a="1", quotes__a="1"),
            repository.commit("two", web__a="2"),
            repository.commit("three", web__a="1"),
        ]
        first, second, third = [
            await source.checkout(str(repository.path), sha, tmp_path / sha, [".", "web", "quotes/"]) for sha in shas
        ]
        assert first == third
        assert first.keys() == {".", "web", "quotes/"}
        assert first["quotes/"] == second["quotes/"]
        assert first["web"] != second["web"]
        assert first["."] == repository.git("rev-parse", f"{shas[0]}^{{tree}}")

    @pytest.mark.parametrize(("name", "said"), [("none", "no folder"), ("file", "is a file"), ("../x", "refused")])
    async def test_a_folder_that_is_none_is_refused(
        self, source: GitSource, repository: Repository, tmp_path: Path, name: str, said: str
    ) -> None:
        sha = repository.commit("one", file="x")
        with pytest.raises(AdapterError, match=said):
            await source.checkout(str(repository.path), sha, tmp_path / "rel_1", [name])
        assert not (tmp_path / "rel_1").exists()

    async def test_it_is_laid_out_once(self, source: GitSource, repository: Repository, tmp_path: Path) -> None:
        sha = repository.commit("one", a="1")
        into = tmp_path / "releases" / "rel_1"
        await asyncio.gather(*(source.checkout(str(repository.path), sha, into, ["."]) for _ in range(4)))
        before = (into / "a").stat()
        (into / "__pycache__").mkdir()
        await source.checkout(str(repository.path), sha, into, ["."])
        assert (into / "a").stat().st_ino == before.st_ino

    @pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_text("2")])
    async def test_what_was_changed_since_is_noticed(
        self, source: GitSource, repository: Repository, tmp_path: Path, harm: Callable[[Path], None]
    ) -> None:
        sha = repository.commit("one", web__a="1")
        await source.checkout(str(repository.path), sha, tmp_path / "rel_1", [])
        harm(tmp_path / "rel_1" / "web" / "a")
        with pytest.raises(AdapterError, match="web/a was changed or removed"):
            await source.checkout(str(repository.path), sha, tmp_path / "rel_1", [])

    async def test_what_an_earlier_server_left_half_written_is_swept(
        self, source: GitSource, repository: Repository, tmp_path: Path
    ) -> None:
        sha = repository.commit("one", a="1")
        (tmp_path / "releases" / ".laying-out-rel_1-abc").mkdir(parents=True)
        await source.checkout(str(repository.path), sha, tmp_path / "releases" / "rel_1", [])
        assert [path.name for path in (tmp_path / "releases").iterdir()] == ["rel_1"]

    async def test_what_the_repository_configures_is_not_run(
        self, source: GitSource, repository: Repository, tmp_path: Path
    ) -> None:
        witness = tmp_path / "ran"
        for name in ("filter.evil.smudge", "filter.evil.process", "core.fsmonitor", "core.sshCommand", "core.pager"):
            repository.git("config", name, f"touch {witness}")
        repository.path.joinpath(".gitattributes").write_text("a filter=evil\n")
        repository.git("-c", "filter.evil.process=", "-c", "core.fsmonitor=", "add", ".gitattributes")
        repository.git("-c", "filter.evil.process=", "-c", "core.fsmonitor=", "commit", "-q", "-m", "one")
        blob = repository.blob("content")
        repository.git("-c", "core.fsmonitor=", "update-index", "--add", "--cacheinfo", f"100644,{blob},a")
        repository.git("-c", "core.fsmonitor=", "commit", "-q", "-m", "two")
        witness.unlink(missing_ok=True)
        commit = await source.resolve(str(repository.path), "main")
        await source.checkout(str(repository.path), commit.sha, tmp_path / "rel_1", ["."])
        assert (tmp_path / "rel_1" / "a").read_text() == "content"
        assert not witness.exists()


class TestForgedCommits:
    @pytest.mark.parametrize("name", ["..", ".", ".git", ".GIT", "../x", "a/../../x"])
    async def test_a_path_that_leads_out_is_refused(
        self, source: GitSource, repository: Repository, tmp_path: Path, name: str
    ) -> None:
        sha = repository.tree(f"100644 blob {repository.blob('x')}\t{name}")
        with pytest.raises(AdapterError):
            await source.checkout(str(repository.path), sha, tmp_path / "releases" / "rel_1", [])
        assert not (tmp_path / "x").exists()
        assert list((tmp_path / "releases").iterdir() if (tmp_path / "releases").exists() else []) == []

    @pytest.mark.parametrize("target", ["/etc/passwd", "../x", "web/../../x", ".."])
    async def test_a_link_that_leads_out_is_refused(
        self, source: GitSource, repository: Repository, tmp_path: Path, target: str
    ) -> None:
        repository.path.joinpath("link").symlink_to(target)
        sha = repository.commit("one", web__a="1")
        with pytest.raises(AdapterError, match="out of the commit"):
            await source.checkout(str(repository.path), sha, tmp_path / "rel_1", [])
        assert not (tmp_path / "rel_1").exists()

    async def test_links_that_lead_out_together_are_refused(
        self, source: GitSource, repository: Repository, tmp_path: Path
    ) -> None:
        (repository.path / "x" / "y").mkdir(parents=True)
        repository.path.joinpath("x/y/root").symlink_to("../..")
        repository.path.joinpath("out").symlink_to("x/y/root/..")
        with pytest.raises(AdapterError, match="out is a link to"):
            await source.checkout(str(repository.path), repository.commit("one"), tmp_path / "rel_1", [])

    async def test_links_within_and_to_nothing_are_laid_out(
        self, source: GitSource, repository: Repository, tmp_path: Path
    ) -> None:
        for name, target in (("loop", "loop"), ("nothing", "not/there"), ("here", ".")):
            repository.path.joinpath(name).symlink_to(target)
        await source.checkout(str(repository.path), repository.commit("one"), tmp_path / "rel_1", [])
        assert (tmp_path / "rel_1" / "nothing").readlink() == Path("not/there")

    async def test_nothing_is_written_through_a_link(
        self, source: GitSource, repository: Repository, tmp_path: Path
    ) -> None:
        (tmp_path / "outside").mkdir()
        inner = repository.tree(f"100644 blob {repository.blob('x')}\tx")
        folder = repository.git("rev-parse", f"{inner}^{{tree}}")
        link = repository.blob(str(tmp_path / "outside"))
        sha = repository.tree(f"120000 blob {link}\ta", f"40000 tree {folder}\ta")
        with pytest.raises(AdapterError):
            await source.checkout(str(repository.path), sha, tmp_path / "rel_1", [])
        assert list((tmp_path / "outside").iterdir()) == []

    async def test_a_missing_content_is_named(self, source: GitSource, repository: Repository, tmp_path: Path) -> None:
        sha = repository.tree(f"100644 blob {'1' * 40}\tgone")
        with pytest.raises(AdapterError, match="content of gone is missing"):
            await source.checkout(str(repository.path), sha, tmp_path / "rel_1", [])


@given(st.binary(max_size=40))
def test_any_path_stays_below_or_is_refused(name: bytes) -> None:
    try:
        entry = parse(b"100644 blob " + b"0" * 40 + b"\t" + name, "c" * 40)
    except AdapterError:
        return
    assert Path(os.path.normpath(Path("/root") / entry.path)).is_relative_to("/root")
    assert entry.path not in {"", "."}
