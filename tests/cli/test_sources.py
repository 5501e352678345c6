"""What the command line says of sources: why a commit is no release; tokens for one thing; workflow files."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Run, Served
from tests.web.world import FILE

TEXT = FILE.replace("staging: {", "staging: {deploy: on-build, ")


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def followed(served: Served, repository: Path) -> Served:
    served.shop.source.commit(str(repository), {"headgate.yaml": TEXT})
    served.apply(repository, TEXT)
    application = served.shop.engine.application("shop")
    until(lambda: application.state.followed.heads)
    return served


def test_status_and_why_say_why_a_commit_is_no_release(headgate: Run, followed: Served, repository: Path) -> None:
    made = followed.shop.source.commit(
        str(repository), {"headgate.yaml": TEXT, "a": "1"}, subject="Try\n\n[skip ci]", branch="main"
    )
    application = followed.shop.engine.application("shop")
    until(lambda: application.state.followed.sightings)
    said = f"main at {made.sha[:7]}: skipped: its message says [skip ci]; `headgate release {made.sha[:10]}`"
    assert said in headgate("status").out
    assert said in headgate("why", "staging").out
    assert said not in headgate("why", "production").out
    shown = headgate("status", "--json").json()["applications"][0]["followed"]["commits"][0]
    assert (shown["branch"], shown["commit"], shown["outcome"]) == ("main", made.sha, "skipped")


def test_status_says_that_the_source_is_down(headgate: Run, followed: Served) -> None:
    followed.shop.source.down = "git.example.org \x1b[2Jdoes not answer"
    until(lambda: followed.shop.engine.followers["shop"].trouble)
    assert "source: git.example.org does not answer" in headgate("status").out


def test_a_token_is_made_listed_and_ended(headgate: Run, followed: Served, data: Path) -> None:
    assert "there is no token" in headgate("token", "list").out
    made = headgate("token", "create", "--for", "releases", "--application", "shop", "--json").json()
    assert made["token"].startswith("hgt_")
    assert made["token"] not in (data / "tokens.json").read_text()
    listed = headgate("token", "list").out
    assert (made["id"] in listed, made["token"] in listed) == (True, False)
    text = headgate("token", "create", "--for", "releases").out.splitlines()
    assert (text[0][:4], "it is not shown again" in text[1]) == ("hgt_", True)
    assert headgate("token", "revoke", made["id"]).out == f"{made['id']} is good for nothing any more\n"
    assert made["id"] not in headgate("token", "list").out
    assert "there is no token" in headgate("token", "revoke", made["id"], code=1).err


def test_a_token_is_for_something_that_there_is(headgate: Run, followed: Served) -> None:
    assert "releases" in headgate("token", "create", "--for", "everything", code=2).err
    assert headgate("token", "create", code=2).err
    assert headgate("token", "create", "--for", "releases", "--application", "nosuch", code=1).err


@pytest.mark.parametrize(
    ("system", "path"),
    [
        ("github", ".github/workflows/headgate.yml"),
        ("gitlab", ".gitlab-ci.yml"),
        ("codepipeline", "buildspec.yml"),
    ],
)
def test_a_workflow_is_written_once(headgate: Run, repository: Path, system: str, path: str) -> None:
    assert headgate("ci", system).out == f"{repository / path} is written; its first lines say what it needs\n"
    assert (repository / path).read_text() == headgate("ci", system, "--print").out
    assert "there is a file already" in headgate("ci", system, code=1).err


def test_other_systems_are_refused(headgate: Run, repository: Path) -> None:
    assert "github, gitlab, codepipeline" in headgate("ci", "jenkins", code=2).err


def test_a_wrong_file_gives_no_workflow(headgate: Run, repository: Path) -> None:
    (repository / "headgate.yaml").write_text(FILE.replace("port: 8000", "port: high"))
    assert "headgate.yaml:6" in headgate("ci", "github", code=1).err
