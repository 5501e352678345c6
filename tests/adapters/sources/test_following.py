"""The git source as something to follow: folders, remotes, hostile names; logins that nobody sees."""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from headgate.adapters.sources.git import GitSource
from headgate.adapters.sources.git.address import address, reaching
from headgate.adapters.sources.git.heads import heads
from headgate.ports import AdapterError, Source, Unusable
from headgate.testing.contracts.source import MAIN, SourceContract

WHO = {
    **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


class GitStage:
    def __init__(self, folder: Path, scheme: str = "") -> None:
        self.path = folder / "shop"
        self.path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.repository = f"{scheme}{self.path}"
        self.source: Source = GitSource(folder / "scratch")

    def git(self, *arguments: str, given: str | None = None) -> str:
        command = ["git", "-C", str(self.path), *arguments]
        done = subprocess.run(command, env=os.environ | WHO, input=given, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    async def commit(
        self, branch: str, files: dict[str, str], message: str = "Change", version: str | None = None
    ) -> str:
        return await asyncio.to_thread(self.make, branch, files, message, version)

    def make(self, branch: str, files: dict[str, str], message: str = "Change", version: str | None = None) -> str:
        if self.git("branch", "--list", "main"):
            known = f"refs/heads/{branch}" in self.git("for-each-ref", "--format=%(refname)").splitlines()
            self.git("switch", "-q", *([] if known else ["-c"]), branch, *([] if known else ["main"]))
            self.git("rm", "-rqf", ".")
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-F", "-", given=message)
        if version:
            self.git("tag", version)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def folder(tmp_path: Path) -> GitStage:
    return GitStage(tmp_path)


class TestAFolder(SourceContract):
    @pytest.fixture
    def stage(self, folder: GitStage) -> GitStage:  # type: ignore[override]
        return folder


class TestARemote(SourceContract):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> GitStage:  # type: ignore[override]
        return GitStage(tmp_path, "file://")


class TestHeads:
    async def test_a_folder_that_nothing_touched_is_not_asked_again(
        self, folder: GitStage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.make("main", MAIN)
        for path in (folder.path / ".git").rglob("*"):
            os.utime(path, (1, 1))
        asked = 0

        async def counted(where: Path) -> dict[str, str]:
            nonlocal asked
            asked += 1
            return await heads(where)

        monkeypatch.setattr("headgate.adapters.sources.git.heads.heads", counted)
        for _ in range(5):
            await folder.source.heads(folder.repository)
        assert asked == 1
        moved = folder.make("main", {**MAIN, "a": "1"})
        assert (await folder.source.heads(folder.repository))["refs/heads/main"] == moved
        assert asked == 2

    async def test_packed_references_and_annotated_tags_are_seen(self, folder: GitStage) -> None:
        sha = folder.make("main", MAIN)
        folder.git("tag", "-a", "v2", "-m", "Two")
        await folder.source.heads(folder.repository)
        folder.git("pack-refs", "--all", "--prune")
        assert await folder.source.heads(folder.repository) == {"refs/heads/main": sha, "refs/tags/v2": sha}

    async def test_names_that_look_like_options_stay_names(self, folder: GitStage) -> None:
        sha = folder.make("main", MAIN)
        folder.git("update-ref", "refs/heads/--upload-pack=id", sha)
        found = await folder.source.heads(folder.repository)
        assert found["refs/heads/--upload-pack=id"] == sha
        commit = await folder.source.resolve(folder.repository, sha, "--upload-pack=id")
        assert commit.branch == "--upload-pack=id"

    async def test_names_that_are_no_text_or_endless_and_tags_of_files_are_left_out(self, folder: GitStage) -> None:
        sha = folder.make("main", MAIN)
        (folder.path / ".git/packed-refs").write_bytes(
            b"# pack-refs with: peeled fully-peeled sorted \n%s refs/heads/\xff\xfe\n" % sha.encode()
        )
        folder.git("update-ref", "refs/heads/" + "x/" * 150 + "x", sha)
        folder.git("tag", "file", folder.git("rev-parse", "HEAD:headgate.yaml"))
        assert await folder.source.heads(folder.repository) == {"refs/heads/main": sha}

    async def test_an_endless_message_is_refused(self, folder: GitStage) -> None:
        sha = folder.make("main", MAIN, "x" * 1_100_000)
        with pytest.raises(Unusable, match="too long"):
            await folder.source.resolve(folder.repository, sha)


class TestRemotes:
    async def test_what_the_remote_forgot_is_still_known(self, tmp_path: Path) -> None:
        """A release was made of it: a force-push elsewhere does not take it away."""
        stage = GitStage(tmp_path, "file://")
        stage.make("main", MAIN)
        gone = stage.make("main", {**MAIN, "a": "1"})
        await stage.source.heads(stage.repository)
        stage.git("reset", "-q", "--hard", "HEAD~1")
        heads = await stage.source.heads(stage.repository)
        assert heads["refs/heads/main"] != gone
        assert (await stage.source.resolve(stage.repository, gone)).sha == gone

    async def test_head_is_what_the_remote_says(self, tmp_path: Path) -> None:
        stage = GitStage(tmp_path, "file://")
        stage.make("main", MAIN)
        sha = stage.make("trunk", {**MAIN, "a": "1"})
        assert (await stage.source.resolve(stage.repository, "HEAD")).sha == sha

    async def test_one_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(AdapterError, match=r"file:///nowhere/shop cannot be fetched"):
            await GitSource(tmp_path / "scratch").heads("file:///nowhere/shop")


@pytest.mark.parametrize(
    "repository",
    [
        "https://git.example.org/shop.git",
        "ssh://git@git.example.org:2222/shop.git",
        "git@git.example.org:shop/web.git",
        "file:///srv/git/shop.git",
        "http://127.0.0.1:8080/shop.git",
    ],
)
def test_addresses_that_are_taken(repository: str) -> None:
    assert address(repository).text == repository


@pytest.mark.parametrize(
    "repository",
    [
        "--upload-pack=touch /tmp/pwned",
        "ext::sh -c touch% pwned",
        "fd::3",
        "http://git.example.org/shop.git",
        "ftp://git.example.org/shop.git",
        "ssh://-oProxyCommand=id/shop",
        "ssh://git@-oProxyCommand=id/shop",
        "ssh://git.example.org/-shop",
        "git@git.example.org:-shop",
        "-oProxyCommand=id:shop",
        "https://git.example.org/$(id)",
        "https://git.example.org/a b",
        "https://git.example.org/a\n",
        "https://git.example.org",
        "file://other/srv/shop",
        "https:///shop",
        "https://git.example.org:port/shop",
        "",
    ],
)
async def test_addresses_that_git_could_mistake_are_refused(repository: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError):
        await GitSource(tmp_path / "scratch").heads(repository)
    assert not (tmp_path / "scratch").exists()


def test_a_login_in_an_address_is_refused_without_being_told() -> None:
    with pytest.raises(AdapterError, match="HEADGATE_GIT_LOGIN_GIT_EXAMPLE_ORG") as error:
        address("https://ann:s3cret@git.example.org/shop.git")
    assert "s3cret" not in str(error.value)


def test_a_login_goes_to_its_own_host_alone() -> None:
    environ = {"HEADGATE_GIT_LOGIN_GIT_EXAMPLE_ORG": "ann:s3cret"}
    there = reaching(address("https://git.example.org/shop.git"), environ)
    assert "http.https://git.example.org/.extraHeader" in there.values()
    assert "http.followRedirects" in there.values()
    elsewhere = reaching(address("https://git.example.com/shop.git"), environ)
    assert not [value for value in elsewhere.values() if "Authorization" in value]


LOGIN = "Basic YW5uOnMzY3JldA=="  # ann:s3cret


class Guarded(SimpleHTTPRequestHandler):
    """A repository over plain HTTP, for who is logged in; notes what every process of git was started with."""

    commands: list[str] = []  # noqa: RUF012 - one server at a time

    def do_GET(self) -> None:
        self.commands += commands()
        if self.headers.get("Authorization") != LOGIN:
            self.send_error(401)
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(folder: GitStage, tmp_path: Path) -> Iterator[str]:
    folder.make("main", MAIN)
    folder.git("clone", "-q", "--bare", str(folder.path), str(tmp_path / "bare.git"))
    subprocess.run(["git", "-C", str(tmp_path / "bare.git"), "update-server-info"], check=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/bare.git"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_login_reaches_the_remote_and_no_list_of_processes(
    served: str, tmp_path: Path, folder: GitStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = GitSource(tmp_path / "other")
    with pytest.raises(AdapterError, match="cannot be fetched") as refused:
        await source.heads(served)
    assert "s3cret" not in str(refused.value)
    monkeypatch.setenv("HEADGATE_GIT_LOGIN_127_0_0_1", "ann:s3cret")
    assert await source.heads(served) == {"refs/heads/main": folder.git("rev-parse", "main")}
    fetches = [command for command in Guarded.commands if " fetch " in command and served in command]
    assert fetches
    assert not [command for command in Guarded.commands if "s3cret" in command or LOGIN in command]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "other").rglob("*") if path.is_file())
    assert b"s3cret" not in kept
    assert LOGIN.encode() not in kept


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_server_that_ends_does_not_wait_for_a_remote_that_hangs(tmp_path: Path) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    asked = asyncio.Event()
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hanging.git"
    looking = asyncio.create_task(GitSource(tmp_path / "other").heads(address))
    await asyncio.wait_for(asked.wait(), 20)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    begun = time.monotonic()
    while any(address in command for command in commands()):
        assert time.monotonic() < begun + 5
        await asyncio.sleep(0.02)
    server.close()


def commands() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


class TestIntegration:
    async def test_nothing_of_the_user_is_touched(self, folder: GitStage, tmp_path: Path) -> None:
        main = folder.make("main", MAIN)
        one = folder.make("feature/one", {**MAIN, "web/app.py": "2\n"})
        (folder.path / "web/app.py").write_text("not committed yet")
        before = contents(folder.path)
        await folder.source.integrate(folder.repository, [("main", main), ("feature/one", one)], "devint")
        assert contents(folder.path) == before

    async def test_two_servers_make_the_same_commit(self, folder: GitStage, tmp_path: Path) -> None:
        main = folder.make("main", MAIN)
        one = folder.make("feature/one", {**MAIN, "web/app.py": "2\n"})
        folder.git("config", "merge.conflictStyle", "diff3")
        heads = [("main", main), ("feature/one", one)]
        other = GitSource(tmp_path / "other")
        first = await folder.source.integrate(folder.repository, heads, "devint")
        assert first == await other.integrate(folder.repository, heads, "devint")

    async def test_a_branch_of_another_history_is_left_out(self, folder: GitStage) -> None:
        main = folder.make("main", MAIN)
        folder.git("switch", "-q", "--orphan", "docs")
        folder.git("commit", "-q", "--allow-empty", "-m", "Pages")
        pages = folder.git("rev-parse", "HEAD")
        made = await folder.source.integrate(folder.repository, [("main", main), ("docs", pages)], "devint")
        assert made.left_out == {"docs": ("shares no history with those before it",)}

    async def test_names_are_messages_and_no_commands(self, folder: GitStage, tmp_path: Path) -> None:
        main = folder.make("main", MAIN)
        evil = "feature/$(touch${IFS}pwned);--exec=id"
        one = folder.make(evil, {**MAIN, "a": "1"})
        made = await folder.source.integrate(folder.repository, [("main", main), (evil, one)], "devint")
        commit = await folder.source.resolve(folder.repository, made.commit)
        assert commit.subject == f"Integrate main, {evil} as devint"
        assert not list(tmp_path.rglob("pwned"))

    async def test_a_merge_driver_of_a_commit_is_not_run(self, folder: GitStage, tmp_path: Path) -> None:
        files = {**MAIN, ".gitattributes": "* merge=evil\n"}
        main = folder.make("main", files)
        one = folder.make("feature/one", {**files, "web/app.py": "2\n"})
        two = folder.make("feature/two", {**files, "web/app.py": "3\n"})
        folder.git("config", "merge.evil.driver", f"touch {tmp_path}/pwned")
        heads = [("main", main), ("one", one), ("two", two)]
        assert (await folder.source.integrate(folder.repository, heads, "devint")).left_out
        assert not (tmp_path / "pwned").exists()
