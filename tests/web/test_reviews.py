"""Signed links and the page behind them: shown to whoever follows, good for one answer of one person."""

from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from tests.web.test_approvals import GUARDED, TEXT, owner, review
from tests.web.world import Shop, applying, client

from headgate.model.approvals import LinkRefused
from headgate.model.ids import environment_stream
from headgate.model.record import CommandAnswered

__all__ = ["owner"]  # the fixture


async def linked(owner: httpx.AsyncClient, person: str = "ann", **more: object) -> str:
    answer = await owner.post(f"{GUARDED}/links", json={"person": person, "by": "root", **more})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["link"]).removeprefix("http://127.0.0.1:7411")


@pytest.fixture
async def browser(shop: Shop, tmp_path: Path, owner: httpx.AsyncClient):  # type: ignore[no-untyped-def]
    """Without any token, as whoever follows a link in a mail."""
    async with client(shop.api(tmp_path), token="") as asking:
        yield asking


def approvals(shop: Shop) -> list[tuple[str, bool]]:
    return [(one.by, one.proven) for one in shop.engine.application("shop").wheel("guarded").state.approvals]


async def test_to_look_changes_nothing_however_often(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    link, before = await linked(owner), shop.engine.application("shop").wheel("guarded").state
    for _ in range(3):
        shown = await browser.get(link, headers={"Sec-Fetch-Site": "cross-site"})
        assert (shown.status_code, "You are ann" in shown.text, (await review(owner))["set"] in shown.text) == (
            200,
            True,
            True,
        )
    assert shop.engine.application("shop").wheel("guarded").state == before


async def test_an_answer_is_that_persons_and_proven(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    answer = await browser.post(await linked(owner), data={"verb": "approve", "by": "bob"})
    assert (answer.status_code, "You have approved it" in answer.text) == (200, True)
    assert approvals(shop) == [("ann", True)]
    assert "(signed-link, link lnk_" in (await owner.get(f"{GUARDED}/events")).text


async def test_used_again_it_is_refused_and_that_is_recorded_once(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop, tmp_path: Path
) -> None:
    link = await linked(owner)
    await browser.post(link, data={"verb": "approve"})
    await owner.post(f"{GUARDED}/approve", json={"by": "ann", "withdraw": True})
    for _ in range(3):
        again = await browser.post(link, data={"verb": "approve"})
        assert (again.status_code, "used already" in again.text) == (409, True)
    assert (await browser.get(link)).status_code == 410
    stream = environment_stream(shop.engine.application("shop").wheel("guarded").environment)
    refused = [one.event for one in await shop.engine.log.read(stream) if isinstance(one.event, LinkRefused)]
    assert [(one.person, one.verb) for one in refused] == [("ann", "approve")]
    assert approvals(shop) == []


async def test_a_restart_forgets_no_used_link(browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop) -> None:
    """All that is known of it is in the log."""
    link = await linked(owner)
    await browser.post(link, data={"verb": "approve"})
    application = shop.engine.application("shop")
    application.wheels.clear()
    await application.remember()
    assert (await browser.post(link, data={"verb": "approve"})).status_code == 409


async def test_what_changed_is_told_instead_of_shown(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    link = await linked(owner)
    await owner.post("/api/applications", json=applying(TEXT.replace("count: 2", "count: 1")))
    for answer in (await browser.get(link), await browser.post(link, data={"verb": "approve"})):
        assert (answer.status_code in (409, 410), "the rules changed" in answer.text) == (True, True)
    assert approvals(shop) == []


async def test_by_link_a_release_is_rejected_with_a_reason(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    link = await linked(owner, verbs=["reject"])
    assert (await browser.post(link, data={"verb": "approve"})).status_code == 422
    assert "says why" in (await browser.post(link, data={"verb": "reject"})).text
    assert (await browser.post(link, data={"verb": "reject", "why": "no"})).status_code == 200
    assert shop.engine.application("shop").wheel("guarded").state.waiting is None
    recorded = [one.event for one in await shop.engine.log.tail()]
    asked = [one for one in recorded if isinstance(one, CommandAnswered) and one.source.startswith("link ")]
    assert [(one.verb, one.target, one.by, one.authenticated, one.outcome, one.why) for one in asked] == [
        ("review", "shop/guarded", "ann", "signed-link", "refused", ""),
        ("reject", "shop/guarded", "ann", "signed-link", "refused", ""),
        ("reject", "shop/guarded", "ann", "signed-link", "accepted", "no"),
    ]
    assert "says why" in asked[1].answer
    assert link.removeprefix("/review/") not in repr(recorded)


async def test_a_form_with_too_many_fields_is_refused(browser: httpx.AsyncClient, owner: httpx.AsyncClient) -> None:
    answer = await browser.post(await linked(owner), data={f"f{number}": "x" for number in range(20)})
    assert (answer.status_code, "good to approve or reject" in answer.text) == (422, True)


async def test_a_link_that_was_touched_is_none(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    link = await linked(owner)
    text = link.removeprefix("/review/")
    payload, signature = text.split(".")
    for forged in (
        text[:-1],
        payload,
        f"{payload}.",
        f"{payload[:-2]}AA.{signature}",
        f".{signature}",
        "x" * 5000,
        "é.ü",
        "%00.%00",
    ):
        assert (await browser.post(f"/review/{forged}", data={"verb": "approve"})).status_code in (404, 410), forged
        assert (await browser.get(f"/review/{forged}")).status_code in (404, 410), forged
    assert approvals(shop) == []


async def test_it_ends(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await linked(owner, expires="2h")
    now = shop.clock.now()
    monkeypatch.setattr(type(shop.clock), "now", lambda _: now.replace(year=now.year + 1))
    answer = await browser.post(link, data={"verb": "approve"})
    assert (answer.status_code, "was good until" in answer.text) == (410, True)


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
async def test_a_page_of_others_answers_for_nobody(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop, headers: dict[str, str]
) -> None:
    assert (await browser.post(await linked(owner), data={"verb": "approve"}, headers=headers)).status_code == 403
    assert approvals(shop) == []


async def test_the_page_is_text_and_nothing_from_elsewhere(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    said = {"by": "<script>", "why": "<img src=x onerror=alert(1)>\"'", "hotfix": True}
    assert (await owner.post(f"{GUARDED}/deploy", json=said)).status_code == 200
    shown = await browser.get(await linked(owner, "bob"))
    assert "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;" in shown.text
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert {"frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} <= {
        part.strip() for part in policy.split(";")
    }
    assert (shown.headers["cache-control"], shown.headers["referrer-policy"]) == ("no-store", "same-origin")
    seen: list[tuple[str, dict[str, str | None]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: seen.append((tag, dict(attributes)))  # type: ignore[method-assign]
    parser.feed(shown.text)
    assert {tag for tag, _ in seen} <= TAGS
    assert {name for _, attributes in seen for name in attributes} <= ATTRIBUTES


TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "form", "label", "br"}
TAGS |= {"textarea", "button"}
ATTRIBUTES = {"lang", "charset", "name", "content", "method", "value", "rows", "maxlength"}


async def test_a_person_of_a_personal_token_makes_links_for_themselves_alone(owner: httpx.AsyncClient) -> None:
    from tests.web.test_personal_tokens import made, shows

    given = shows(await made(owner, "ann"))
    for person, code in (("ann", 200), ("bob", 409)):
        answer = await owner.post(f"{GUARDED}/links", json={"person": person}, headers=given)
        assert answer.status_code == code, answer.text


async def test_whom_no_gate_names_a_link_helps_nothing(
    browser: httpx.AsyncClient, owner: httpx.AsyncClient, shop: Shop
) -> None:
    answer = await browser.post(await linked(owner, "<b>dan"), data={"verb": "approve"})
    assert (answer.status_code, "&lt;b&gt;dan may not approve here" in answer.text) == (409, True)
