"""The pages of those who sign in: who they are is their token, and what they do is for what they were shown."""

import re
from base64 import b64encode
from datetime import timedelta
from html import unescape

import httpx
import pytest
from tests.web.test_approvals import GUARDED, TEXT, owner, review
from tests.web.test_personal_tokens import made
from tests.web.world import TOKEN, Shop

from headgate.model.record import CommandAnswered

__all__ = ["owner"]  # the fixture
PAGE = "/pages/shop/guarded"


@pytest.fixture
async def browser(shop: Shop, owner: httpx.AsyncClient):  # type: ignore[no-untyped-def]
    """Of the same server, without any token."""
    transport = owner._transport
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7411") as asking:
        yield asking


async def sign_in(browser: httpx.AsyncClient, owner: httpx.AsyncClient, person: str = "ann") -> str:
    """From here on the browser shows it, as browsers do once they were told."""
    text = (await made(owner, person))["token"]
    browser.auth = httpx.BasicAuth("whoever", text)
    return text


def fields(page: str) -> dict[str, str]:
    """What the form carries."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found}


async def says(browser: httpx.AsyncClient, verb: str, **more: str) -> httpx.Response:
    shown = await browser.get(PAGE)
    return await browser.post(PAGE, data={**fields(shown.text), "verb": verb, **more})


def approvals(shop: Shop) -> list[tuple[str, bool]]:
    return [(one.by, one.proven) for one in shop.engine.application("shop").wheel("guarded").state.approvals]


@pytest.mark.parametrize("path", ["/", PAGE, "/pages/shop/nowhere"])
async def test_who_is_not_signed_in_sees_nothing_but_that(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, "sign in" in answer.text) == (401, True)
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert "guarded" not in answer.text.replace(PAGE, "")


async def test_everything_stands_on_one_page(browser: httpx.AsyncClient, owner: httpx.AsyncClient) -> None:
    await sign_in(browser, owner)
    shown = await browser.get("/")
    assert shown.status_code == 200
    for part in ("staging", "production", "guarded", "v1 waits", f'href="{PAGE}"', 'http-equiv="refresh"'):
        assert part in shown.text, part
    assert "script" not in shown.text
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")


async def test_what_waits_is_shown_and_what_others_wrote_is_no_html(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    await sign_in(browser, owner)
    await owner.post(f"{GUARDED}/freeze", json={"why": "the <b>sale", "by": "<i>cli"})
    shown = (await browser.get(PAGE)).text
    assert fields(shown)["set"] == (await review(owner))["set"]
    assert ("the &lt;b&gt;sale" in shown, "&lt;i&gt;cli" in shown) == (True, True)
    for page in (shown, (await browser.get("/")).text):
        assert ("<b>" in page, "<i>" in page) == (False, False)
    assert 'http-equiv="refresh"' not in shown, "what someone is typing would be gone"


async def test_an_approval_is_that_persons_and_proven(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    await sign_in(browser, owner)
    answer = await says(browser, "approve", by="bob", why="CHG-1")
    assert (answer.status_code, "You have approved it" in answer.text) == (200, True)
    assert approvals(shop) == [("ann", True)]
    assert "(personal-token, ui 127.0.0.1)" in (await owner.get(f"{GUARDED}/events")).text
    assert (await says(browser, "withdraw")).status_code == 200
    assert approvals(shop) == []


async def test_a_release_is_rejected_with_a_reason(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    await sign_in(browser, owner)
    assert "says why" in (await says(browser, "reject")).text
    assert (await says(browser, "reject", why="no")).status_code == 200
    assert shop.engine.application("shop").wheel("guarded").state.waiting is None
    shown = (await browser.get(PAGE)).text
    assert "ann rejected" in shown
    assert '<button name="verb"' not in shown


async def test_the_answer_is_for_what_was_shown(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    await sign_in(browser, owner)
    kept = fields((await browser.get(PAGE)).text)
    shop.commit("Another", "v2", TEXT)
    await owner.post("/api/applications/shop/releases", json={"by": "ann"})
    await owner.post(f"{GUARDED}/deploy", json={"by": "cli", "release": "v2"})
    for verb in ("approve", "reject"):
        answer = await browser.post(PAGE, data={**kept, "verb": verb, "why": "x"})
        assert (answer.status_code, "Nothing was done" in answer.text) == (409, True)
    assert approvals(shop) == []
    assert shop.engine.application("shop").wheel("guarded").state.waiting is not None


@pytest.mark.parametrize(
    "said", [{}, {"verb": "deploy"}, {"verb": "approve"}, {"verb": "<b>", "set": "x", "release": "y"}]
)
async def test_a_form_that_does_not_say_what_it_is_for_does_nothing(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop, said: dict[str, str]
) -> None:
    await sign_in(browser, owner)
    answer = await browser.post(PAGE, data=said)
    assert (answer.status_code, "<b>" in answer.text) == (409, False)
    assert approvals(shop) == []


async def test_more_fields_than_a_form_has_are_no_form(browser: httpx.AsyncClient, owner: httpx.AsyncClient) -> None:
    await sign_in(browser, owner)
    assert (await browser.post(PAGE, data={str(number): "x" for number in range(50)})).status_code == 409


async def test_what_a_browser_shows_by_itself_is_good_for_the_pages_alone(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    await sign_in(browser, owner)
    assert (await browser.get(f"{GUARDED}/review")).status_code == 401
    assert (await browser.post(f"{GUARDED}/approve", json={})).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
async def test_a_page_of_others_answers_for_nobody(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop, headers: dict[str, str]
) -> None:
    await sign_in(browser, owner)
    kept = fields((await browser.get(PAGE)).text)
    assert (await browser.post(PAGE, data={**kept, "verb": "approve"}, headers=headers)).status_code == 403
    assert approvals(shop) == []
    assert (await browser.get(PAGE)).status_code == 200


async def test_there_is_no_cookie_that_another_port_could_get(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    await sign_in(browser, owner)
    for path in ("/", PAGE):
        assert "set-cookie" not in (await browser.get(path)).headers


async def test_whose_token_was_revoked_or_expired_is_out(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await made(owner, "bob")
    browser.auth = httpx.BasicAuth(token["token"], "")
    assert (await browser.get("/")).status_code == 200, "also where it was given as the name"
    await owner.post(f"/api/tokens/{token['id']}/revoke", json={"by": "root"})
    assert (await browser.get("/")).status_code == 401
    long_ago = shop.clock.now() - timedelta(days=1)
    with monkeypatch.context() as then:
        then.setattr(type(shop.clock), "now", lambda _: long_ago)
        short = await made(owner, expires="2h")
    browser.auth = httpx.BasicAuth("ann", short["token"])
    answer = await browser.get(PAGE)
    assert (answer.status_code, "expired at" in answer.text) == (401, True)


@pytest.mark.parametrize(
    "given",
    [
        "Basic",
        "Basic !!!!",
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Basic " + b64encode(f"x:{TOKEN}".encode()).decode(),
        "Basic " + b64encode(b"x:hgt_" + b"x" * 5000).decode(),
        f"Bearer {TOKEN}",
    ],
)
async def test_what_is_no_personal_token_opens_nothing(browser: httpx.AsyncClient, given: str) -> None:
    """The server's own neither: it says who nobody is."""
    answer = await browser.get("/", headers={"Authorization": given})
    assert (answer.status_code, "headgate token person" in answer.text) == (401, True)


async def test_what_was_done_is_on_record_and_the_token_is_not(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    text = await sign_in(browser, owner)
    await says(browser, "approve")
    browser.auth = httpx.BasicAuth("x", "hgt_wrong")
    await browser.post(PAGE, data={"verb": "approve"})
    recorded = [one.event for one in await shop.engine.log.tail()]
    asked = [one for one in recorded if isinstance(one, CommandAnswered) and one.target == "shop/guarded"]
    assert [(one.verb, one.by, one.outcome, one.answer) for one in asked[1:]] == [
        ("approve", "ann", "accepted", ""),
        ("answer", "", "refused", "not signed in"),
    ]
    assert text not in repr(recorded)
    assert "hgt_wrong" not in repr(recorded)


async def test_an_environment_that_is_not_there_is_told(browser: httpx.AsyncClient, owner: httpx.AsyncClient) -> None:
    await sign_in(browser, owner)
    answer = await browser.get("/pages/shop/nowhere")
    assert (answer.status_code, "nowhere" in answer.text) == (404, True)


async def test_a_link_from_a_chat_opens_the_page(browser: httpx.AsyncClient, owner: httpx.AsyncClient) -> None:
    await sign_in(browser, owner)
    assert (await browser.get(PAGE, headers={"Sec-Fetch-Site": "cross-site"})).status_code == 200
