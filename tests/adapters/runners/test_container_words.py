"""What is asked of an engine for a step, whose the step's files are, and what is read from how its container ended."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.runners.stage import build

from headgate.adapters.docker_images import _named
from headgate.adapters.runners.docker import containers
from headgate.adapters.runners.docker.owner import give, owner
from headgate.model.builds import CiStep, StepContainer, StepOrder
from headgate.model.ids import StepRunId
from headgate.ports import AdapterError

OUTSIDE, EXITED = "its container was ended after 2.5 s from outside", "exited with code 1 after 2.5 s"
KILLED, FIELD = "killed, because it needed more memory: more than", "`container: {memory: ...}`"
HOSTILE = "x$(touch /tmp/pwned);`id`'\"\n--privileged"


def ended(code: int, **more: Any) -> dict[str, Any]:
    times = {"StartedAt": "2026-11-23T12:00:00.123456789Z", "FinishedAt": "2026-11-23T12:00:02.623456789Z"}
    return {"State": {"ExitCode": code, "OOMKilled": False, **times, **more}}


@pytest.mark.parametrize(
    ("found", "by_itself", "limit", "state", "why"),
    [
        (ended(0), True, None, "passed", "passed in 2.5 s"),
        (ended(7), True, None, "failed", "exited with code 7 after 2.5 s"),
        (ended(137), True, None, "failed", "exited with code 137 after 2.5 s"),
        (ended(137), False, None, "lost", f"{OUTSIDE}, code 137: was Docker restarted?"),
        (ended(0), False, None, "lost", f"{OUTSIDE}, code 0: was Docker restarted?"),
        (ended(125), False, None, "failed", f"could not begin: {containers.MAPPED}"),
        (ended(125), True, None, "failed", "exited with code 125 after 2.5 s"),
        (ended(137, OOMKilled=True), False, 2**20, "failed", f"was {KILLED} the 1,048,576 bytes of {FIELD}"),
        (ended(1, OOMKilled=True), True, None, "failed", f"{EXITED}; a program of it was {KILLED} there is"),
        (ended(0, OOMKilled=True), True, 2**20, "passed", "passed in 2.5 s"),
    ],
)
def test_how_it_ended(found: dict[str, Any], by_itself: bool, limit: int | None, state: str, why: str) -> None:
    life = containers.ending(found, by_itself, limit)
    assert (life.state, life.why, life.seconds) == (state, why, 2.5)


def test_one_that_was_made_and_never_started() -> None:
    assert containers.began_at({"State": {"StartedAt": "0001-01-01T00:00:00Z"}}) is None
    began = containers.began_at(ended(0))
    assert began == datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
    assert containers.left(began, timedelta(seconds=5), began + timedelta(seconds=3)) == 2
    assert containers.left(began, timedelta(seconds=5), began + timedelta(hours=3)) == 0


def test_what_people_typed_is_in_variables_and_nowhere_else(tmp_path: Path) -> None:
    made = build(branch=HOSTILE, version=HOSTILE)
    order = StepOrder(StepRunId("bld_1.test.1"), made, CiStep("test", "pytest", image="i:1", container=StepContainer()))
    body = containers.request("abcd1234", order, tmp_path, "1000:1000")
    assert {f"HEADGATE_BRANCH={HOSTILE}", f"HEADGATE_VERSION={HOSTILE}"} <= set(body["Env"])
    assert body["Entrypoint"][-2:] == ["headgate-step", "pytest"]
    assert HOSTILE not in str({name: value for name, value in body.items() if name != "Env"})


def test_whose_the_files_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert owner(None, "test") == (os.geteuid(), os.getegid())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert [owner(user, "test") for user in ("1000", "1000:50")] == [(1000, 1000), (1000, 50)]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert owner("1000:50", "test") == (1000, 50)
    with pytest.raises(AdapterError, match=r"test wants to run as user 0, .* leave `user` out, and it runs as 1000"):
        owner("0", "test")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_files_are_given_and_links_are_not_followed(tmp_path: Path) -> None:
    outside, top = tmp_path / "outside", tmp_path / "top"
    (top / "a").mkdir(parents=True)
    outside.touch()
    (top / "a" / "link").symlink_to(outside)
    (top / "a" / "file").touch()
    give(top, (1234, 4321))
    assert [path.lstat().st_uid for path in (top, top / "a", top / "a" / "file", top / "a" / "link")] == [1234] * 4
    assert outside.stat().st_uid == 0


@pytest.mark.parametrize(
    ("image", "name", "tag"),
    [
        ("python", "python", "latest"),
        ("python:3.12", "python", "3.12"),
        ("registry.example.org:5000/a/b", "registry.example.org:5000/a/b", "latest"),
        ("registry.example.org:5000/a/b:1", "registry.example.org:5000/a/b", "1"),
        ("a/b:1@sha256:00", "a/b", "sha256:00"),
    ],
)
def test_what_is_pulled(image: str, name: str, tag: str) -> None:
    assert _named(image) == (name, tag)
