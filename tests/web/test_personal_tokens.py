"""Personal tokens: who shows one acts as that person, and may move releases but not what judges them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.web.world import Shop, applying, client

from headgate.model.ids import SERVER_STREAM, environment_stream
from headgate.web.tokens import Tokens

WORLD = "/api/applications/shop/environments/staging"


@pytest.fixture
async def owner(shop: Shop, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client(shop.api(tmp_path)) as asking:
        assert (await asking.post("/api/applications", json=applying())).status_code == 200
        yield asking


async def made(owner: httpx.AsyncClient, person: str = "ann", **more: object) -> dict[str, str]:
    answer = await owner.post("/api/tokens/person", json={"person": person, "by": "root", **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def shows(token: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['token']}"}


@pytest.mark.parametrize("said", [{"by": "bob"}, {}, {"by": ""}], ids=["another name", "no name", "an empty name"])
async def test_a_request_acts_as_its_person_whatever_it_says(
    shop: Shop, owner: httpx.AsyncClient, said: dict[str, str]
) -> None:
    given = shows(await made(owner))
    answer = await owner.post(f"{WORLD}/freeze", json={"why": "x", **said}, headers=given)
    assert answer.status_code == 200, answer.text
    assert shop.engine.application("shop").wheel("staging").state.freeze.by == "ann"  # type: ignore[union-attr]


async def test_who_has_the_servers_own_token_may_still_say_a_name(shop: Shop, owner: httpx.AsyncClient) -> None:
    await made(owner)
    await owner.post(f"{WORLD}/freeze", json={"why": "x", "by": "bob"})
    assert shop.engine.application("shop").wheel("staging").state.freeze.by == "bob"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/applications"),
        ("POST", "/api/tokens"),
        ("POST", "/api/tokens/person"),
        ("GET", "/api/tokens"),
        ("POST", "/api/tokens/tok_1/revoke"),
        ("POST", "/api/releases"),
        ("POST", "/api/applications/shop/images/prune"),
        ("PUT", f"{WORLD}/freeze"),
        ("POST", f"{WORLD}/freeze/../../../apply"),
        ("POST", "/api/applications/shop/environments/a/b/approve"),
    ],
)
async def test_what_judges_releases_is_the_owners(owner: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await owner.request(method, path, json={}, headers=shows(await made(owner)))
    assert answer.status_code in (403, 404)
    assert "of ann is not for this" in answer.text


async def test_it_is_shown_once_and_only_a_keyed_hash_is_kept(
    owner: httpx.AsyncClient, shop: Shop, tmp_path: Path
) -> None:
    token = await made(owner)
    kept = (tmp_path / "tokens.json").read_text()
    assert token["token"] not in kept
    assert token["token"] not in (await owner.get("/api/tokens")).text
    recorded = await shop.engine.log.read(SERVER_STREAM)
    assert [type(one.event).__name__ for one in recorded] == ["PersonalTokenMade"]
    assert token["token"] not in str(recorded)
    assert ((tmp_path / "key").stat().st_mode & 0o777, len((tmp_path / "key").read_text()) > 40) == (0o600, True)
    assert Tokens(tmp_path).known(token["token"]) is not None
    (tmp_path / "key").write_text("another key\n")
    assert Tokens(tmp_path).known(token["token"]) is None


async def test_revoked_it_is_none_at_once_and_that_is_on_record(owner: httpx.AsyncClient, shop: Shop) -> None:
    token = await made(owner)
    given = shows(token)
    assert (await owner.get("/api/applications", headers=given)).status_code == 200
    await owner.post(f"/api/tokens/{token['id']}/revoke", json={})
    assert (await owner.get("/api/applications", headers=given)).status_code == 401
    recorded = await shop.engine.log.read(SERVER_STREAM)
    assert [type(one.event).__name__ for one in recorded] == ["PersonalTokenMade", "PersonalTokenRevoked"]


async def test_one_too_many_is_not_on_record_as_made(
    owner: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.web.tokens.MOST", 0)
    answer = await owner.post("/api/tokens/person", json={"person": "ann", "by": "root"})
    assert (answer.status_code, "revoke some" in answer.text) == (502, True)
    assert await shop.engine.log.read(SERVER_STREAM) == []


async def test_it_ends_by_itself(owner: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The door goes by its own clock: the token was made two hours ago."""
    before = datetime.now(UTC) - timedelta(hours=2)
    with monkeypatch.context() as then:
        then.setattr(type(shop.clock), "now", lambda _: before)
        given = shows(await made(owner, expires="2h"))
    answer = await owner.get("/api/applications", headers=given)
    assert (answer.status_code, "expired" in answer.text) == (401, True)


@pytest.mark.parametrize("expires", ["", "0s", "forever", "2000d", "1\n0d"])
async def test_a_length_that_is_none_is_refused(owner: httpx.AsyncClient, expires: str) -> None:
    answer = await owner.post("/api/tokens/person", json={"person": "ann", "by": "root", "expires": expires})
    assert answer.status_code in (409, 422)


async def test_what_turns_by_itself_is_nobodys(owner: httpx.AsyncClient, shop: Shop) -> None:
    """A release that goes on by itself was asked for by the engine, whoever's request applied the file."""
    shop.commit()
    await owner.post("/api/applications/shop/releases", json={"by": "ann"}, headers=shows(await made(owner)))
    stream = environment_stream(shop.engine.application("shop").wheel("staging").environment)
    assert [one for one in await shop.engine.log.read(stream) if getattr(one.event, "by", "") == "ann"] == []
