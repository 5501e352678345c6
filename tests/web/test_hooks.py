"""Webhooks and tokens for one thing: who is let in, for what, and how often."""

import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.world import FILE, PRESENT, TOKEN, Shop, applying, client

from headgate.web import deliveries
from headgate.web.api import create
from headgate.web.deliveries import MOST, Hooks
from headgate.web.guard import LARGEST_BODY, LOOPBACK
from headgate.web.tokens import Tokens

SECRET = "a secret of some length"
BODY = json.dumps({"ref": "refs/heads/main", "after": "f" * 40}).encode()
GITHUB, GITLAB = "/hooks/github/shop", "/hooks/gitlab/shop"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def signed(body: bytes = BODY, secret: str = SECRET, delivery: str = "1") -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Delivery": delivery, "X-GitHub-Event": "push"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    (made / "hook-secret").write_text(f"{SECRET}\n")
    (made / "hook-secret").chmod(0o600)
    return made


@pytest.fixture
async def stranger(shop: Shop, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Without the server's token. The source is looked at every hour, or when a hook says so."""
    api = create(shop.engine, TOKEN, PRESENT, LOOPBACK, folder)
    shop.commit()
    async with client(api) as owner:
        text = FILE.replace("staging: {", "staging: {deploy: on-build, ") + "source: {poll: 1h}\n"
        assert (await owner.post("/api/applications", json=applying(text))).status_code == 200
    async with client(api, token="") as asking:
        yield asking


async def looks(shop: Shop) -> int:
    """How often the source was looked at, once all that was woken is done."""
    before = -1
    while before != shop.source.looks:
        before = shop.source.looks
        await shop.engine.followers["shop"].turn()
    return before


@pytest.mark.parametrize("headers", [signed(), {"X-Gitlab-Token": SECRET, "X-Gitlab-Event-UUID": "1"}])
async def test_a_true_hook_means_look_now(stranger: httpx.AsyncClient, shop: Shop, headers: dict[str, str]) -> None:
    path = GITHUB if "X-Hub-Signature-256" in headers else GITLAB
    before = await looks(shop)
    answer = await stranger.post(path, content=BODY, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"application": "shop", "looks": True})
    assert await looks(shop) == before + 1
    again = await stranger.post(path, content=BODY, headers=headers)
    assert (again.status_code, again.json()["error"]["what"]) == (409, "this delivery came before")


async def test_a_replay_under_another_id_is_refused(stranger: httpx.AsyncClient) -> None:
    """GitHub signs the body, not the delivery's id."""
    assert (await stranger.post(GITHUB, content=BODY, headers=signed(delivery="1"))).status_code == 202
    assert (await stranger.post(GITHUB, content=BODY, headers=signed(delivery="2"))).status_code == 409


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (GITHUB, {}),
        (GITHUB, signed(secret="another secret of some length")),
        (GITHUB, signed(b"another body")),
        (GITHUB, {"X-Hub-Signature-256": "sha256=", "X-GitHub-Delivery": "1"}),
        (GITHUB, {"X-Hub-Signature-256": "ä".encode("latin-1").decode("latin-1").encode().hex()}),
        (GITHUB, {"X-Gitlab-Token": SECRET}),
        (GITLAB, {}),
        (GITLAB, {"X-Gitlab-Token": SECRET + " "[:0] + "x"}),
        (GITLAB, signed()),
        ("/hooks/github/nosuch", signed(secret="wrong wrong wrong wrong")),
    ],
)
async def test_a_false_hook_is_refused_and_wakes_nobody(
    stranger: httpx.AsyncClient, shop: Shop, path: str, headers: dict[str, str]
) -> None:
    before = await looks(shop)
    answer = await stranger.post(path, content=BODY, headers=headers)
    assert answer.status_code == 401
    assert SECRET not in answer.text
    assert await looks(shop) == before


async def test_a_true_hook_for_nothing_or_without_id_or_too_large(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.post("/hooks/github/nosuch", content=BODY, headers=signed())).status_code == 404
    without = {name: value for name, value in signed().items() if name != "X-GitHub-Delivery"}
    assert (await stranger.post(GITHUB, content=BODY, headers=without)).status_code == 422
    large = b"x" * (LARGEST_BODY + 1)
    assert (await stranger.post(GITHUB, content=large, headers=signed(large))).status_code == 413


async def test_a_hook_opens_nothing_else(stranger: httpx.AsyncClient) -> None:
    for path in ("/api/applications", "/hooks/../api/applications", "/api/tokens"):
        assert (await stranger.get(path, headers=signed())).status_code in (401, 404)


class TestSecret:
    def test_a_file_that_others_can_read_is_none(self, folder: Path) -> None:
        assert Hooks(folder, {}).secret() == SECRET.encode()
        (folder / "hook-secret").chmod(0o640)
        assert Hooks(folder, {}).secret() is None

    def test_nor_is_a_link_or_a_short_one(self, folder: Path) -> None:
        (folder / "hook-secret").rename(folder / "other")
        os.symlink(folder / "other", folder / "hook-secret")
        assert Hooks(folder, {}).secret() is None
        assert Hooks(None, {"HEADGATE_HOOK_SECRET": "short"}).secret() is None
        assert Hooks(None, {"HEADGATE_HOOK_SECRET": SECRET}).secret() == SECRET.encode()

    async def test_without_one_hooks_are_off(self, stranger: httpx.AsyncClient, folder: Path) -> None:
        (folder / "hook-secret").unlink()
        answer = await stranger.post(GITHUB, content=BODY, headers=signed())
        assert answer.status_code == 403
        assert "HEADGATE_HOOK_SECRET" in answer.json()["error"]["remedy"]


def test_deliveries_are_remembered_for_a_bounded_time_and_number() -> None:
    hooks = Hooks(None, {})
    assert hooks.is_new(("a",), NOON)
    assert not hooks.is_new(("a",), NOON + timedelta(hours=23))
    assert hooks.is_new(("a",), NOON + timedelta(hours=25))
    for number in range(MOST + 10):
        hooks.is_new((str(number),), NOON + timedelta(hours=25))
    assert len(hooks._delivered) == MOST


def test_deliveries_are_remembered_over_a_restart(tmp_path: Path) -> None:
    assert Hooks(tmp_path, {}).is_new(("github 1", "github sha256=x"), NOON)
    kept = tmp_path / "hook-deliveries"
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_text(kept.read_text() + '\n["2026-11-23T12:0')  # as a lost machine leaves it
    assert Hooks(tmp_path, {}).is_new(("github 2",), NOON)
    again = Hooks(tmp_path, {})
    assert not again.is_new(("github 3", "github sha256=x"), NOON)
    assert not again.is_new(("github 2",), NOON)
    assert again.is_new(("github 1",), NOON + timedelta(hours=25))


def test_what_is_kept_of_deliveries_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "MOST", 5)
    hooks = Hooks(tmp_path, {})
    assert all(hooks.is_new((str(number),), NOON) for number in range(40))
    assert len((tmp_path / "hook-deliveries").read_text().split()) < 40
    assert not Hooks(tmp_path, {}).is_new(("39",), NOON)


IMAGE = f"registry.example.org/shop/web@sha256:{'a' * 64}"


class TestAnnouncing:
    @pytest.fixture
    async def owner(self, shop: Shop, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
        async with client(create(shop.engine, TOKEN, PRESENT, LOOPBACK, folder)) as asking:
            self.sha = shop.commit("Sell more")
            text = FILE.replace("staging: {", "staging: {deploy: on-build, ") + "source: {releases: on-announce}\n"
            assert (await asking.post("/api/applications", json=applying(text))).status_code == 200
            yield asking

    async def token(self, owner: httpx.AsyncClient, application: str = "") -> dict[str, str]:
        body = {"scope": "releases", "application": application, "by": "ann"}
        made = (await owner.post("/api/tokens", json=body)).json()
        return {"Authorization": f"Bearer {made['token']}"}

    def said(self, **more: Any) -> dict[str, Any]:
        return {"application": "shop", "commit": self.sha, "ref": "refs/heads/main", "images": {"web": IMAGE}, **more}

    async def test_a_release_with_the_images_that_were_pushed(self, owner: httpx.AsyncClient, shop: Shop) -> None:
        given = await self.token(owner)
        answer = await owner.post("/api/releases", json=self.said(), headers=given)
        assert answer.status_code == 200, answer.text
        assert answer.json()["images"] == {"web": IMAGE.partition("@")[2]}
        assert answer.json()["elsewhere"] == ["web"]
        release = shop.engine.application("shop").release(self.sha)
        assert (release.services[0].image, release.branch) == (IMAGE, "main")
        assert answer.json()["environments"][0]["environment"] == "staging"
        assert (await owner.post("/api/releases", json=self.said(), headers=given)).json()["release"] == release.id
        other = self.said(images={"web": IMAGE.replace("aaaa", "bbbb")})
        assert (await owner.post("/api/releases", json=other, headers=given)).status_code == 409

    async def test_the_token_can_do_nothing_else(self, owner: httpx.AsyncClient) -> None:
        given = await self.token(owner)
        for method, path in (
            ("GET", "/api/applications"),
            ("GET", "/api/tokens"),
            ("POST", "/api/tokens"),
            ("GET", "/api/releases"),
            ("POST", "/api/releases/"),
            ("POST", "/api/applications/shop/releases"),
            ("POST", "/api/applications/shop/environments/production/deploy"),
        ):
            assert (await owner.request(method, path, json={}, headers=given)).status_code in (403, 404, 405), path

    async def test_a_token_of_one_application(self, owner: httpx.AsyncClient) -> None:
        given = await self.token(owner, "shop")
        assert (await owner.post("/api/releases", json=self.said(), headers=given)).status_code == 200
        other = await owner.post("/api/releases", json=self.said(application="other"), headers=given)
        assert other.status_code == 403
        wanted = {"scope": "releases", "application": "other", "by": "a"}
        assert (await owner.post("/api/tokens", json=wanted)).status_code == 404

    async def test_a_revoked_token_is_none_also_after_a_restart(self, owner: httpx.AsyncClient, folder: Path) -> None:
        given = await self.token(owner)
        text = given["Authorization"].removeprefix("Bearer ")
        assert Tokens(folder).known(text).may("POST", "/api/releases")
        name = (await owner.get("/api/tokens")).json()["tokens"][0]["id"]
        await owner.post(f"/api/tokens/{name}/revoke", json={})
        assert (await owner.post("/api/releases", json=self.said(), headers=given)).status_code == 401
        assert Tokens(folder).known(text) is None
        assert (await owner.post(f"/api/tokens/{name}/revoke", json={})).status_code == 404

    async def test_only_hashes_are_kept_for_the_owner_alone(self, owner: httpx.AsyncClient, folder: Path) -> None:
        text = (await self.token(owner))["Authorization"].removeprefix("Bearer ")
        path = folder / "tokens.json"
        assert text not in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600
        assert text not in (await owner.get("/api/tokens")).text

    @pytest.mark.parametrize(
        "more",
        [
            {"commit": "main"},
            {"commit": "--upload-pack=id"},
            {"ref": "main"},
            {"ref": "refs/heads/a b"},
            {"ref": "refs/heads/" + "x" * 300},
            {"images": {"web": "registry.example.org/web:latest"}},
            {"images": {"web": f"--x@sha256:{'a' * 64}"}},
            {"images": {"$(id)": IMAGE}},
            {"application": "../shop"},
            {"more": 1},
        ],
        ids=str,
    )
    async def test_what_is_no_release_is_not_understood(self, owner: httpx.AsyncClient, more: dict[str, Any]) -> None:
        assert (await owner.post("/api/releases", json=self.said(**more))).status_code == 422

    async def test_a_branch_must_hold_the_commit(self, owner: httpx.AsyncClient, shop: Shop) -> None:
        """Else a token of CI could bring any commit of anybody to where main goes."""
        for ref in ("refs/heads/release/1", "refs/tags/v1"):
            answer = await owner.post("/api/releases", json=self.said(ref=ref))
            assert (answer.status_code, "does not hold commit" in answer.text) == (409, True)
        assert shop.engine.application("shop").releases == {}

    async def test_a_service_that_is_not_there(self, owner: httpx.AsyncClient) -> None:
        answer = await owner.post("/api/releases", json=self.said(images={"webb": IMAGE}))
        assert (answer.status_code, "its services: web" in answer.text) == (409, True)
