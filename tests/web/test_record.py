"""Every command is on record: who, when, from where, why, with what, and what became of it."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from tests.web.world import FILE, Shop, applying, client

from headgate.engine import recording
from headgate.model.ids import SERVER_STREAM, application_stream, environment_stream
from headgate.model.record import CommandAnswered, SpecificationChanged
from headgate.ports import LogUnavailable
from headgate.store.codec import encode
from headgate.web.recorder import named

STAGING = "/api/applications/shop/environments/staging"


async def answered(shop: Shop) -> list[CommandAnswered]:
    found = await shop.engine.log.read(f"commands:{datetime.now(UTC):%Y-%m}")
    return [one.event for one in found if isinstance(one.event, CommandAnswered)]


async def test_an_accepted_one(shop: Shop, ask: httpx.AsyncClient) -> None:
    await ask.post("/api/applications", json=applying())
    await ask.post(f"{STAGING}/freeze", json={"by": "bob", "why": "the sale", "until": "2h"})
    apply, freeze = await answered(shop)
    assert freeze == CommandAnswered(
        *("freeze", "shop/staging", "bob", "server-token", "api 127.0.0.1", "the sale"), {"until": "2h"}, "accepted"
    )
    assert (apply.verb, apply.target, apply.by) == ("apply", "", "ann@test")
    assert apply.arguments["text"].startswith("sha256:"), "the file itself is in the log as what it means"


async def test_a_refused_one_with_its_reason(shop: Shop, ask: httpx.AsyncClient) -> None:
    await ask.post("/api/applications", json=applying())
    refused = await ask.post(f"{STAGING}/unfreeze", json={"by": "bob", "why": "let me"})
    invalid = await ask.post(f"{STAGING}/freeze", json={"by": "bob"})
    unknown = await ask.post("/api/applications/none/environments/x/abort", json={"by": "bob"})
    assert [refused.status_code, invalid.status_code, unknown.status_code] == [409, 422, 404]
    told = (await answered(shop))[1:]
    assert [(one.verb, one.target, one.outcome, one.by) for one in told] == [
        ("unfreeze", "shop/staging", "refused", "bob"),
        ("freeze", "shop/staging", "refused", "bob"),
        ("abort", "none/x", "refused", "bob"),
    ]
    assert told[0].answer == refused.json()["error"]["what"]
    assert told[0].why == "let me"


async def test_one_that_ended_in_a_defect(shop: Shop, ask: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(shop.engine), "stop_the_line", broken)
    answer = await ask.post("/api/freeze", json={"by": "bob", "why": "x"})
    assert answer.status_code == 500
    (one,) = await answered(shop)
    assert (one.verb, one.outcome) == ("freeze", "failed")


async def test_who_shows_a_personal_token(shop: Shop, ask: httpx.AsyncClient, tmp_path: Path) -> None:
    async with client(shop.api(tmp_path)) as owner:
        await owner.post("/api/applications", json=applying())
        made = (await owner.post("/api/tokens/person", json={"person": "ann", "by": "root"})).json()
        shown = {"Authorization": f"Bearer {made['token']}", "User-Agent": "headgate"}
        await owner.post(f"{STAGING}/freeze", json={"by": "bob", "why": "x"}, headers=shown)
    *_, token, freeze = await answered(shop)
    assert (freeze.by, freeze.authenticated, freeze.source) == ("ann", "personal-token", "cli 127.0.0.1")
    assert made["token"] not in repr(token)


async def test_who_is_turned_away_at_the_door(shop: Shop, ask: httpx.AsyncClient, tmp_path: Path) -> None:
    async with client(shop.api(tmp_path)) as owner:
        made = (await owner.post("/api/tokens/person", json={"person": "ann", "by": "root"})).json()
        await owner.post("/api/freeze", json={"by": "bob"}, headers={"Authorization": "Bearer no-4711"})
        await owner.post("/api/tokens/person", json={}, headers={"Authorization": f"Bearer {made['token']}"})
        await owner.post("/api/freeze", json={"by": "bob"}, headers={"Origin": "http://evil.example"})
        await owner.get("/api/applications", headers={"Authorization": "Bearer no-4711"})
    told = (await answered(shop))[1:]
    assert [(one.verb, one.by, one.authenticated, one.source, one.answer) for one in told] == [
        ("freeze", "", "nobody", "api 127.0.0.1", "the token is missing or wrong"),
        ("tokens person", "ann", "personal-token", "api 127.0.0.1", "a token of ann is not for this"),
        ("freeze", "", "nobody", "api 127.0.0.1", "web pages of other origins may not ask"),
    ]
    assert "4711" not in repr(told)


async def test_who_has_no_token_hides_nobody(
    shop: Shop, ask: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_TURNED_AWAY", 2)
    for _ in range(5):
        await ask.post("/api/freeze", json={}, headers={"Authorization": ""})
    await ask.post("/api/unfreeze", json={"by": "bob"})
    assert [(one.by, one.unrecorded) for one in await answered(shop)] == [("", 0), ("", 0), ("bob", 3)]


async def test_no_secret_is_on_record(shop: Shop, ask: httpx.AsyncClient) -> None:
    shop.engine.world.hidden.learn("canary-4711")
    body = {"why": "it is canary-4711", "password": "p4711", "x": "https://ann:p4711@example.org", "y": "z" * 999}
    await ask.post("/api/freeze", json={"by": "bob", **body})
    (one,) = await answered(shop)
    assert "4711" not in repr(one)
    assert len(one.arguments["y"]) == recording.LONGEST


async def test_what_is_sent_does_not_swell_the_log(shop: Shop, ask: httpx.AsyncClient) -> None:
    odd = {f"{'n' * 30_000}{number}": "v" * 9000 for number in range(25)}
    await ask.post("/api/freeze", json={"by": "b" * 9000, "why": "w" * 9000, **odd})
    (one,) = await answered(shop)
    assert len(encode(one)) < 10_000
    assert (await ask.post("/api/freeze", content=b"x" * 2_000_000)).status_code == 413
    assert "more than" in (await answered(shop))[-1].answer


async def test_reading_is_no_command(shop: Shop, ask: httpx.AsyncClient) -> None:
    await ask.get("/api/applications")
    assert await answered(shop) == []


async def test_a_record_without_room_stops_nobody(
    shop: Shop, ask: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask.post("/api/applications", json=applying())
    append = shop.engine.log.append

    async def full(stream: str, *more: object) -> object:
        if stream.startswith("commands:"):
            raise LogUnavailable("no room")
        return await append(stream, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(shop.engine.log, "append", full)
    assert (await ask.post(f"{STAGING}/freeze", json={"by": "bob", "why": "x"})).status_code == 200


async def test_who_else_wrote_there_hides_nothing_after_it(shop: Shop, ask: httpx.AsyncClient) -> None:
    """Nor does a record whose writing was given up while it was done."""
    await ask.post("/api/freeze", json={"by": "bob", "why": "x"})
    (one,) = await answered(shop)
    await shop.engine.log.append(f"commands:{datetime.now(UTC):%Y-%m}", [one], after=1)
    for _ in range(3):
        await ask.post("/api/unfreeze", json={"by": "bob"})
    assert len(await answered(shop)) == 5


async def test_refusals_without_end_are_counted(
    shop: Shop, ask: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_REFUSED", 2)
    for _ in range(5):
        await ask.post("/api/unfreeze", json={"by": "bob"})
    await ask.post("/api/freeze", json={"by": "bob", "why": "x"})
    assert [(one.outcome, one.unrecorded) for one in await answered(shop)] == [
        ("refused", 0),
        ("refused", 0),
        ("accepted", 3),
    ]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/api/applications", ("apply", "")),
        ("/api/applications/pcw/lift", ("lift", "pcw")),
        ("/api/applications/pcw/images/prune", ("images prune", "pcw")),
        ("/api/applications/pcw/environments/qa/sign-off", ("sign-off", "pcw/qa")),
        ("/api/tokens/person", ("tokens person", "")),
        ("/api//", ("", "")),
    ],
)
def test_the_verb_and_its_target(path: str, says: tuple[str, str]) -> None:
    assert named(path) == says


async def test_what_an_applied_file_changes(shop: Shop, ask: httpx.AsyncClient) -> None:
    await ask.post("/api/applications", json=applying())
    await ask.post("/api/applications", json=applying(FILE.replace("[ann]", "[ann, bob]")))
    await ask.post("/api/applications", json=applying(FILE.replace("[ann]", "[ann, bob]")))
    recorded = [one.event for one in await shop.engine.log.read(application_stream("shop"))]
    first, second = (one for one in recorded if isinstance(one, SpecificationChanged))
    assert first.before == ""
    assert second.before == first.digest != second.digest
    assert second.by == "ann@test"
    assert second.source == "api 127.0.0.1"
    assert [one for one in second.changes if one.startswith("guarded: gates: ") and "bob" in one]


async def test_a_stop_of_the_whole_server_is_in_each_history(shop: Shop, ask: httpx.AsyncClient) -> None:
    await ask.post("/api/applications", json=applying())
    await ask.post("/api/freeze", json={"by": "bob", "why": "before anything was here"})
    await ask.post("/api/unfreeze", json={"by": "bob"})
    await ask.post(f"{STAGING}/freeze", json={"by": "bob", "why": "x"})
    await ask.post("/api/freeze", json={"by": "bob", "why": "everywhere"})
    assert await shop.engine.log.read(environment_stream("shop/staging"))  # type: ignore[arg-type]
    assert len(await shop.engine.log.read(SERVER_STREAM)) == 3
    told = (await ask.get(f"{STAGING}/freezes")).json()["events"]
    assert [one["text"] for one in told] == ["frozen by bob, no rollout starts: everywhere"]
    assert (await ask.get("/api/applications/shop/environments/production/freezes")).json() == {"events": []}
