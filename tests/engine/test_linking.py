"""Links of notices: who must answer gets a page of their own, where nobody else reads, and everybody an address."""

from pathlib import Path

from tests.engine.test_notifying import RULES, Told, applied, post, told
from tests.web import world as shops
from tests.web.world import applying, client

from headgate.bootstrap import linked
from headgate.web.api import create

__all__ = ["told"]  # the fixture
PUBLIC = "https://headgate.example.org"
GUARDED = "/shop/environments/guarded"


async def reachable(told: Told, folder: Path) -> None:
    """The same, of a server that was told where people reach it."""
    await told.shop.engine.stop()
    told.shop.engine = told.started(linked(told.shop.engine.world, folder, PUBLIC))
    await told.shop.engine.start()


async def test_who_must_approve_does_so_by_the_link_and_nobody_else_gets_one(told: Told, tmp_path: Path) -> None:
    await reachable(told, tmp_path)
    async with told.ask() as ask:
        await applied(told, ask)
        await post(ask, f"{GUARDED}/deploy", {"release": "v1", "by": "bob"})
        await told.until(lambda: told.chat.told and "waiting" in told.hook.kinds)
        (mine,) = told.chat.told
        theirs = next(one for one in told.hook.told if one.kind == "waiting")
        assert mine.link.startswith(f"{PUBLIC}/review/")
        # Anybody may read there: a signed link would be an approval for the taking. Behind this one they sign in.
        assert theirs.link == f"{PUBLIC}/pages/shop/guarded"
        assert theirs.api == mine.api == f"{PUBLIC}/api/applications{GUARDED}"

        api = create(told.shop.engine, shops.TOKEN, told.present, folder=tmp_path)
        page = mine.link.removeprefix(PUBLIC)
        async with client(api, token="") as browser:
            assert "sign in" in (await browser.get(theirs.link.removeprefix(PUBLIC))).text
            assert "You are ann" in (await browser.get(page)).text
            done = await browser.post(page, data={"verb": "approve"})
            assert "You have approved it" in done.text
            assert (await browser.post(page, data={"verb": "approve"})).status_code == 409
        await told.until(lambda: "promoted" in told.hook.kinds)
        await told.until(lambda: "misuse" in told.hook.kinds)
    log = [str(one.event) for one in await told.shop.engine.log.tail()]
    assert not [one for one in log if page.removeprefix("/review/") in one]


async def test_rules_that_end_an_approval_bring_a_fresh_link(told: Told, tmp_path: Path) -> None:
    await reachable(told, tmp_path)
    two = RULES.replace("from: [ann], count: 1", "from: [ann, eve], count: 2")
    async with told.ask() as ask:
        await applied(told, ask)
        await post(ask, "", applying(two))
        await post(ask, f"{GUARDED}/deploy", {"release": "v1", "by": "bob"})
        await told.until(lambda: told.chat.told)
        await post(ask, f"{GUARDED}/approve", {"by": "ann"})
        await post(ask, "", applying(two.replace("count: 2", "count: 2, deadline: 5d")))
        await told.until(lambda: len(told.chat.told) == 2)
        first, second = told.chat.told
        assert second.why == "the rules changed: approvals of ann are void"
        assert first.link != second.link
        api = create(told.shop.engine, shops.TOKEN, told.present, folder=tmp_path)
        async with client(api, token="") as browser:
            assert (await browser.get(first.link.removeprefix(PUBLIC))).status_code == 410
            assert (await browser.get(second.link.removeprefix(PUBLIC))).status_code == 200


async def test_without_an_address_there_are_no_links(told: Told, tmp_path: Path) -> None:
    assert linked(told.shop.engine.world, tmp_path, "") == told.shop.engine.world
    async with told.ask() as ask:
        await applied(told, ask)
        await post(ask, f"{GUARDED}/deploy", {"release": "v1", "by": "bob"})
        await told.until(lambda: told.chat.told)
        assert (told.chat.told[0].link, told.chat.told[0].api) == ("", "")
