"""Deployments on GitHub and GitLab, against small servers that hold to what is documented of the two."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.adapters.notifiers.forges import TOKEN, Github, Gitlab
from tests.adapters.notifiers.loopback import Loopback, Stage

from headgate.adapters.notifiers.github.deployments import GithubNotifier
from headgate.adapters.notifiers.gitlab.deployments import GitlabNotifier
from headgate.adapters.notifiers.outgoing import asked_for
from headgate.model.notices import Target
from headgate.ports import TryLater
from headgate.testing.contracts.notifiers import NotifierContract, notice

URL = "https://shop.example.org"
OLDER = {"rollout": "rol_0", "release": "rel_0", "commit": "b" * 40, "label": "v1"}


class ForgeStage(Stage):
    def __init__(self, kind: str) -> None:
        self.forge = Github() if kind == "github" else Gitlab()
        notifier = GithubNotifier() if kind == "github" else GitlabNotifier()
        super().__init__(Loopback(self.forge), notifier, Target(kind, {}), TOKEN)

    async def start(self) -> None:
        """Where it is, is known once it listens."""
        await self.there.start()
        kind = self.target.kind
        own = {"repository": "company/shop"} if kind == "github" else {"project": "company/shop"}
        api = self.there.url("" if kind == "github" else "/api/v4")
        self.target = Target(kind, {**own, "api": api, "token_from": "NOTIFY_TOKEN", "environment_url": URL})


async def staged(kind: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForgeStage]:
    monkeypatch.setenv("NOTIFY_TOKEN", TOKEN)
    made = ForgeStage(kind)
    await made.start()
    yield made
    await made.close()


class Forge(NotifierContract):
    @pytest.mark.parametrize("kind", ["requested", "dropped", "started", "promoted", "aborted", "rolled-back", "test"])
    async def test_every_kind_can_be_told(self, stage: ForgeStage, kind) -> None:  # type: ignore[override, no-untyped-def]
        """Those that change a deployment: no file can ask for others."""
        await stage.notifier.notify(notice(kind), stage.target, "")


class TestGithub(Forge):
    @pytest.fixture
    async def stage(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForgeStage]:  # type: ignore[override]
        async for made in staged("github", monkeypatch):
            yield made


class TestGitlab(Forge):
    @pytest.fixture
    async def stage(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForgeStage]:  # type: ignore[override]
        async for made in staged("gitlab", monkeypatch):
            yield made


@pytest.fixture
async def github(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForgeStage]:
    async for made in staged("github", monkeypatch):
        yield made


@pytest.fixture
async def gitlab(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForgeStage]:
    async for made in staged("gitlab", monkeypatch):
        yield made


async def test_a_rollout_is_one_deployment_of_its_commit(github: ForgeStage) -> None:
    forge, known = github.forge, ""
    assert isinstance(forge, Github)
    for kind in ("requested", "started", "promoted"):
        known = await github.notifier.notify(notice(kind, link="https://headgate.example.org"), github.target, known)
    assert known == "1"
    (made,) = forge.deployments
    assert made["ref"] == "c" * 40
    assert made["environment"] == "production"
    assert made["required_contexts"] == []
    assert made["auto_merge"] is False
    assert made["payload"] == {"headgate": {"application": "shop", "release": "rel_1", "rollout": "rol_1"}}
    assert [one["state"] for one in reversed(forge.statuses[1])] == ["queued", "in_progress", "success"]
    assert forge.statuses[1][0]["environment_url"] == URL
    assert forge.statuses[1][0]["log_url"] == "https://headgate.example.org"


async def test_after_a_crash_it_is_found_again(github: ForgeStage, gitlab: ForgeStage) -> None:
    """Made, and the server was killed before it noted that."""
    for stage in (github, gitlab):
        first = await stage.notifier.notify(notice("started"), stage.target, "")
        assert await stage.notifier.notify(notice("started"), stage.target, "") == first
        assert await stage.notifier.notify(notice("promoted"), stage.target, "") == first
        assert len(stage.forge.deployments) == 1


async def test_what_another_takes_the_place_of_is_inactive(github: ForgeStage) -> None:
    forge = github.forge
    assert isinstance(forge, Github)
    await github.notifier.notify(notice("promoted", **OLDER), github.target, "")
    await github.notifier.notify(notice("promoted"), github.target, "")
    assert forge.statuses[1][0]["state"] == "inactive"
    await github.notifier.notify(notice("promoted"), github.target, "2")
    assert [one["state"] for one in forge.statuses[1]] == ["inactive", "success"]  # once


async def test_one_that_never_started_is_found_by_its_release(github: ForgeStage) -> None:
    forge = github.forge
    assert isinstance(forge, Github)
    await github.notifier.notify(notice("dropped", rollout=""), github.target, "")
    assert not forge.deployments  # nobody was told that it was asked for
    await github.notifier.notify(notice("requested"), github.target, "")
    await github.notifier.notify(notice("dropped", rollout=""), github.target, "")
    assert forge.statuses[1][0]["state"] == "inactive"


async def test_a_limit_that_is_used_up_says_until_when(github: ForgeStage) -> None:
    reset = int((datetime.now(UTC) + timedelta(seconds=90)).timestamp())
    github.answer(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)})
    with pytest.raises(TryLater) as failed:
        await github.notifier.notify(notice("started"), github.target, "")
    assert 85 < failed.value.after.total_seconds() <= 90


@pytest.mark.parametrize("status", [("aborted", "failed"), ("rolled-back", "success")])
async def test_gitlab_goes_from_running_to_its_end(gitlab: ForgeStage, status: tuple[str, str]) -> None:
    kind, ended = status
    assert await gitlab.notifier.notify(notice("requested"), gitlab.target, "") == ""
    known = await gitlab.notifier.notify(notice("started", ref="refs/tags/v2"), gitlab.target, "")
    forge = gitlab.forge
    assert isinstance(forge, Gitlab)
    assert [forge.deployments[0][name] for name in ("sha", "ref", "tag", "status")] == ["c" * 40, "v2", True, "running"]
    assert forge.external_url == URL
    for _ in range(2):  # told again, it changes nothing
        await gitlab.notifier.notify(notice(kind, ref="refs/tags/v2"), gitlab.target, known)  # type: ignore[arg-type]
        assert forge.deployments[0]["status"] == ended


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("77", 77),
        ("Mon, 02 Mar 2026 12:01:00 GMT", 60),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_when_to_come_again(written: str, seconds: int | None) -> None:
    after = asked_for({"retry-after": written}, datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    assert after == (timedelta(seconds=seconds) if seconds is not None else None)
