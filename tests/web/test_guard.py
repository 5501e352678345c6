"""The door: token, names, origins, sizes; and that no error shows what is inside."""

import logging

import httpx
import pytest
from tests.web.world import TOKEN, Shop, applying, client

from headgate.engine import views
from headgate.web.guard import LARGEST_BODY, host_name

APPLICATIONS = "/api/applications"


async def test_without_a_token_nobody_is_answered(shop: Shop) -> None:
    async with client(shop.api(), token="") as asking:
        answer = await asking.get(APPLICATIONS)
    assert answer.status_code == 401
    assert "token" in answer.json()["error"]["remedy"]


@pytest.mark.parametrize(
    "given", ["Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN]
)
async def test_a_wrong_token_is_refused(shop: Shop, given: str) -> None:
    async with client(shop.api(), token="", Authorization=given) as asking:
        assert (await asking.get(APPLICATIONS)).status_code == 401


async def test_health_and_the_description_need_no_token(shop: Shop) -> None:
    async with client(shop.api(), token="") as asking:
        assert (await asking.get("/api/health")).json()["status"] == "ok"
        paths = (await asking.get("/api/openapi.json")).json()["paths"]
    assert "/api/applications/{application}/environments/{environment}/rollback" in paths


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7411", "127.0.0.1.evil.example", "", "[::2]:7411"])
async def test_another_name_is_refused(shop: Shop, host: str) -> None:
    """A page that rebinds its own name to loopback still says its own name."""
    async with client(shop.api(), Host=host) as asking:
        assert (await asking.get(APPLICATIONS)).status_code == 421


@pytest.mark.parametrize("host", ["localhost:7411", "LOCALHOST", "127.0.0.1", "[::1]:7411"])
async def test_names_of_loopback_are_answered(shop: Shop, host: str) -> None:
    async with client(shop.api(), Host=host) as asking:
        assert (await asking.get(APPLICATIONS)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
async def test_pages_of_other_origins_are_refused(shop: Shop, headers: dict[str, str]) -> None:
    async with client(shop.api(), **headers) as asking:
        assert (await asking.post(APPLICATIONS, json=applying())).status_code == 403
        assert (await asking.get("/api/health")).status_code == 403


async def test_our_own_origin_is_answered(shop: Shop) -> None:
    async with client(shop.api(), Origin="http://127.0.0.1:7411") as asking:
        assert (await asking.get(APPLICATIONS)).status_code == 200


async def test_what_is_too_large_is_refused_even_without_a_length(ask: httpx.AsyncClient) -> None:
    async def endless() -> object:
        for _ in range(LARGEST_BODY // 1000 + 2):
            yield b"x" * 1000

    answer = await ask.post(APPLICATIONS, content=endless())  # type: ignore[arg-type]
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("host", "name"), [("A:1", "a"), ("[::1]:80", "::1"), ("[::1", "::1"), ("", ""), (":80", ""), ("a:b:c", "a")]
)
def test_a_host_without_its_port(host: str, name: str) -> None:
    assert host_name(host) == name


async def test_a_defect_shows_an_id_and_nothing_else(
    ask: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret inside")

    await ask.post(APPLICATIONS, json=applying())
    monkeypatch.setattr(views, "applied", broken)
    with caplog.at_level(logging.ERROR):
        answer = await ask.get(f"{APPLICATIONS}/shop")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    number = answer.json()["error"]["id"]
    assert number in caplog.text
    assert "secret inside" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"by": 1}',
        b'{"by": ""}',
        b'{"by": "a", "more": 1}',
        b"[" * 60_000,
    ],
    ids=lambda body: str(body[:20]),
)
async def test_what_is_not_understood_is_refused(ask: httpx.AsyncClient, body: bytes) -> None:
    await ask.post(APPLICATIONS, json=applying())
    headers = {"Content-Type": "application/json"}
    answer = await ask.post(f"{APPLICATIONS}/shop/environments/staging/pause", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["what"]
