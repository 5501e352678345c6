"""The notifier `apprise`, the real library, telling its target json:// of a server on loopback."""

from collections.abc import AsyncIterator

import pytest
from tests.adapters.notifiers.loopback import Loopback, Stage

from headgate.adapters.notifiers.apprise.teller import AppriseNotifier, masked
from headgate.adapters.notifiers.apprise.words import body, harmless, title
from headgate.model.notices import Target
from headgate.ports import AdapterError, Unusable
from headgate.testing.contracts.notifiers import HOSTILE, NotifierContract, notice


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    there = Loopback()
    await there.start()
    monkeypatch.setenv("NOTIFY_CHAT", f"json://ann:geheim@127.0.0.1:{there.server.port}/hidden-path")
    made = Stage(there, AppriseNotifier(), Target("apprise", {"url_from": "NOTIFY_CHAT"}), "geheim", "hidden-path")
    yield made
    await made.close()


class TestApprise(NotifierContract):
    keeps_status = False

    @pytest.fixture
    def stage(self, stage: Stage) -> Stage:  # type: ignore[override]
        return stage


async def test_what_people_read(stage: Stage) -> None:
    told = notice("waiting", severity="attention", link="https://headgate.example.org/review?x=1", left_out=2)
    await stage.notifier.notify(told, stage.target, "")
    (asked,) = stage.there.asked
    assert asked.json["title"] == "[to do] shop/production: waiting"
    assert asked.json["type"] == "warning"
    assert asked.json["message"].splitlines() == [
        "v2 was aborted in production; traffic goes back to stable",
        "errors rose by 3 percentage points",
        "Must act: alice, bob",
        "To do: 'headgate why production'",
        "2 older notices were left out",
        "https://headgate.example.org/review?x=1",
    ]


async def test_the_reason_of_a_refusal_is_the_services_own(stage: Stage) -> None:
    stage.answer(500, {})
    with pytest.raises(AdapterError, match=r"the service did not take it: .*500"):
        await stage.notifier.notify(notice("started"), stage.target, "")


async def test_an_address_that_is_none_is_said_without_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_CHAT", "nothing-of-the-kind://geheim")
    with pytest.raises(Unusable, match="holds no address that Apprise understands"):
        await stage.notifier.notify(notice("started"), stage.target, "")


def test_nothing_in_a_message_is_more_than_text() -> None:
    text = body(notice("waiting", what=HOSTILE, why="see http://evil.example.org"))
    for special in ("@everyone", "<!", "**", "](", "://", "`"):
        assert special not in text
    assert "@everyone" in text.replace("\u200b", "")  # and it still reads as it was written
    assert harmless("rel_1a2b and v1.4.2-rc_1") == "rel_1a2b and v1.4.2-rc_1"  # what is copied stays as it is
    assert "\n" not in title(notice("aborted"))


def test_no_part_of_an_address_is_repeated() -> None:
    url = "slack://TOKENA/TOKENB/channel?secret=abcdefgh"
    assert masked("POST TOKENA TOKENB abcdefgh failed", url) == "POST *** *** *** failed"
    decoded = "mailto://ann:p%40ss+word@mail.example.org/to%2Fken"
    assert masked("no login with p@ss word, p%40ss+word or to/ken", decoded) == "no login with ***, *** or ***"
