"""Approvals over HTTP: what is shown, what an approval is for, and who may not get around it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.test_personal_tokens import made, shows
from tests.web.world import FILE, Shop, applying, client

GUARDED = "/api/applications/shop/environments/guarded"
TEXT = FILE.replace(
    "gates: [{approval: {from: [ann], count: 1}}]",
    "gates: [{approval: {from: [leads], count: 2}}]\ngroups: {leads: [ann, bob, ada]}\n"
    "people:\n  ann: {accounts: [ann@example.org]}\n  bob: {}\n  ada: {accounts: [ada@example.org, ada-gh]}",
)


@pytest.fixture
async def owner(shop: Shop, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """v1 of Ada waits in `guarded` for two leads."""
    shop.commit("Sell more <b>", "v1", TEXT)
    async with client(shop.api(tmp_path)) as asking:
        answer = await asking.post("/api/applications", json=applying(TEXT))
        assert answer.status_code == 200, answer.text
        assert (await asking.post("/api/applications/shop/releases", json={"by": "ann"})).status_code == 200
        assert (await asking.post(f"{GUARDED}/deploy", json={"by": "cli"})).status_code == 200
        yield asking


async def person(owner: httpx.AsyncClient, name: str) -> dict[str, str]:
    return shows(await made(owner, name))


async def review(owner: httpx.AsyncClient) -> dict[str, Any]:
    return (await owner.get(f"{GUARDED}/review")).json()


async def says(owner: httpx.AsyncClient, who: dict[str, str], verb: str = "approve", **said: object) -> tuple[int, str]:
    answer = await owner.post(f"{GUARDED}/{verb}", json=said, headers=who)
    return answer.status_code, answer.text


async def test_what_would_happen_is_shown_whole(owner: httpx.AsyncClient) -> None:
    shown = await review(owner)
    assert (shown["label"], shown["author"], shown["replaces"]) == ("v1", "Ada <ada@example.org>", None)
    assert shown["infrastructure"] == {"plan": None, "applied": False, "why": "Headgate makes none here"}
    assert shown["gates"][0] | {"until": ""} == {
        "from": ["ann", "bob", "ada"],
        "count": 2,
        "given": [],
        "author_may_approve": False,
        "authenticated": True,
        "evidence": "",
        "until": "",
    }
    assert shown["set"].startswith("set_")
    assert shown["set"] == (await review(owner))["set"]


@pytest.mark.parametrize("shown", ["x", "set_", "set_123", "set_" + "z" * 80])
async def test_what_is_no_digest_is_told_as_that(owner: httpx.AsyncClient, shown: str) -> None:
    status, told = await says(owner, await person(owner, "ann"), set=shown)
    assert (status, "that is no digest of a set" in told, "`headgate review guarded`" in told) == (409, True, True)


async def test_two_people_open_it(owner: httpx.AsyncClient, shop: Shop) -> None:
    ann, bob, shown = await person(owner, "ann"), await person(owner, "bob"), (await review(owner))["set"]
    assert (await says(owner, ann, set=shown))[0] == 200
    assert shop.engine.application("shop").wheel("guarded").state.rollout is None
    assert (await says(owner, bob, set=shown))[0] == 200
    assert shop.engine.application("shop").wheel("guarded").state.waiting is None


async def test_a_name_that_is_only_claimed_does_not_count(owner: httpx.AsyncClient) -> None:
    answer = await owner.post(f"{GUARDED}/approve", json={"by": "ann"})
    assert (answer.status_code, "with a personal token" in answer.text) == (409, True)
    assert (await review(owner))["approvals"] == []


@pytest.mark.parametrize("account", ["ada", "Ada@Example.ORG", "ada-gh", "ＡＤＡ"])
async def test_ones_own_release_is_not_approved_by_a_second_account(owner: httpx.AsyncClient, account: str) -> None:
    code, text = await says(owner, await person(owner, account))
    assert (code, "wrote v1; someone else has to approve it" in text) == (409, True)


async def test_a_person_counts_once_whatever_the_account(owner: httpx.AsyncClient) -> None:
    assert (await says(owner, await person(owner, "ann")))[0] == 200
    code, text = await says(owner, await person(owner, "ANN@example.org"))
    assert (code, "has approved v1 already" in text) == (409, True)
    assert (await review(owner))["gates"][0]["given"] == ["ann"]


async def test_what_changed_a_moment_ago_is_told_and_not_approved(owner: httpx.AsyncClient) -> None:
    ann, shown = await person(owner, "ann"), (await review(owner))["set"]
    await owner.post("/api/applications", json=applying(TEXT.replace("count: 2", "count: 3")))
    code, text = await says(owner, ann, set=shown)
    assert (code, "this is not what would happen now: the rules changed" in text) == (409, True)


async def test_a_lead_who_is_one_no_more_has_approved_nothing(owner: httpx.AsyncClient, shop: Shop) -> None:
    """The rules changed: everybody looks again, and who was taken out may not."""
    ann, bob = await person(owner, "ann"), await person(owner, "bob")
    assert (await says(owner, ann))[0] == 200
    less = TEXT.replace("leads: [ann, bob, ada]", "leads: [bob, cleo]").replace("  bob: {}", "  bob: {}\n  cleo: {}")
    await owner.post("/api/applications", json=applying(less))
    assert [one["void"] for one in (await review(owner))["approvals"]] == [True]
    assert (await says(owner, bob))[0] == 200
    assert "1 of 2 approvals" in (await review(owner))["waits_for"][0]
    assert (await says(owner, ann))[0] == 409
    assert shop.engine.application("shop").wheel("guarded").state.waiting is not None


async def test_withdrawn_it_counts_no_more_and_may_be_given_again(owner: httpx.AsyncClient) -> None:
    ann = await person(owner, "ann")
    await says(owner, ann)
    assert (await says(owner, ann, withdraw=True))[0] == 200
    assert (await review(owner))["approvals"] == []
    assert (await says(owner, ann, withdraw=True))[0] == 409
    assert (await says(owner, ann))[0] == 200


async def test_what_is_rejected_is_dropped_and_does_not_come_by_itself(owner: httpx.AsyncClient, shop: Shop) -> None:
    bob = await person(owner, "bob")
    for said, wrong in (({}, "why is missing"), ({"why": " "}, "why must not be empty")):
        status, told = await says(owner, bob, "reject", **said)
        assert (status, wrong in told) == (422, True)
    code, text = await says(owner, bob, "reject", why="not before the sale", release="v1")
    assert (code, "v1" in text) == (200, True)
    application = shop.engine.application("shop")
    await application.advance()
    state = application.wheel("guarded").state
    assert (state.waiting, state.rollout) == (None, None)
    told = (await owner.get(f"{GUARDED}/why")).json()["decisions"]
    assert any("bob rejected" in str(one) and "personal-token" in str(one) for one in told), told
    assert (await owner.post(f"{GUARDED}/deploy", json={"by": "cli", "release": "v1"})).status_code == 200


async def test_a_stranger_rejects_nothing(owner: httpx.AsyncClient) -> None:
    code, text = await says(owner, await person(owner, "dan"), "reject", why="no")
    assert (code, "dan may not reject here" in text) == (409, True)


async def test_who_and_how_and_from_where_is_on_record(owner: httpx.AsyncClient) -> None:
    await says(owner, await person(owner, "ann"), by="bob")
    text = (await owner.get(f"{GUARDED}/events")).text
    assert "ann approved" in text
    assert "(personal-token, api 127.0.0.1)" in text


async def test_an_approval_names_its_evidence(owner: httpx.AsyncClient) -> None:
    asks = TEXT.replace("count: 2}", 'count: 2, evidence: "CHG-????"}')
    assert (await owner.post("/api/applications", json=applying(asks))).status_code == 200
    bob = await person(owner, "bob")
    for why in ("", "looks fine", "CHG-1", "xCHG-1234"):
        status, text = await says(owner, bob, why=why)
        assert (status, "--why with CHG-????" in text) == (409, True)
    assert (await says(owner, bob, why="as planned in CHG-1234, and tested"))[0] == 200
    sections = (await review(owner))["told"]["sections"]
    (line, given) = next(one["lines"] for one in sections if one["title"] == "approvals")
    assert "each names CHG-????" in line
    assert "as planned in CHG-1234" in given


async def test_migrations_that_would_run_are_shown(owner: httpx.AsyncClient, shop: Shop) -> None:
    migrations = "migrations: [{level: 1, command: alembic upgrade 1, kind: expand}]"
    text = TEXT.replace("port: 8000", f"port: 8000\n    {migrations}")
    assert (await owner.post("/api/applications", json=applying(text))).status_code == 200
    shop.commit("Remember the quote", "v2", text)
    assert (await owner.post("/api/applications/shop/releases", json={"by": "ann"})).status_code == 200
    assert (await owner.post(f"{GUARDED}/deploy", json={"release": "v2", "by": "cli"})).status_code == 200
    sections = {one["title"]: one["lines"] for one in (await review(owner))["told"]["sections"]}
    assert sections["migrations"] == ["web: expand to level 1, before the candidate runs: alembic upgrade 1"]
