"""How far a target is, folded from its own stream, and when it is tried again."""

from datetime import timedelta
from typing import Any

import pytest
from tests.decide.given import NOW

from headgate.decide.targets import LONGEST, RECENT, TargetState, fold, is_late, pause
from headgate.model import notices as n
from headgate.model.events import Recorded
from headgate.testing.contracts.notifiers import notice

HOUR = timedelta(hours=1)
TARGET = n.Target("webhook", {"url": "https://hook.example.org/x?token=y", "secret_from": "NOTIFY_KEY"})


def after(*events: Any, start: int = 100) -> TargetState:
    recorded = [Recorded("target:shop/x", v, start + v, NOW, event) for v, event in enumerate(events, start=1)]
    return fold(TargetState(), recorded)


def test_from_the_moment_it_is_named() -> None:
    assert after(n.TargetFollowed("there")).upto == 101
    assert after(n.TargetFollowed("there"), n.TargetCaughtUp(6000)).upto == 6000


def test_what_was_delivered_is_known_by_its_id_and_its_name_there() -> None:
    told = [n.NoticeDelivered(f"ntc_{i}", "started", 200 + i, f"rol_{i}", f"there-{i}") for i in range(60)]
    state = after(n.TargetFollowed("there"), *told)
    assert (state.upto, state.delivered, state.last) == (259, 60, told[-1])
    assert len(state.recent) == RECENT
    assert state.remembered["rol_59"] == "there-59"
    assert "rol_0" not in state.remembered


def test_failing_begins_once_and_ends_with_any_answer() -> None:
    down = (n.TargetFollowed("there"), n.TargetFailing("down"), n.TargetFailing("slow"))
    state = after(*down)
    assert (state.failing, state.failing_since) == ("slow", NOW)
    for answer in (n.NoticeDelivered("ntc_1", "started", 5), n.NoticeGivenUp("ntc_1", "started", 5, "never")):
        assert after(*down, answer).failing == ""
    gone = after(n.TargetFollowed("there"), n.TargetFailing("410", gone=True))
    assert gone.gone
    assert not after(n.TargetFailing("410", gone=True), n.NoticeDelivered("ntc_t", "test", 5)).gone


def test_what_was_left_out_is_said_with_the_next() -> None:
    state = after(n.TargetFollowed("there"), n.NoticesLeftOut(3, 50), n.NoticesLeftOut(2, 60))
    assert (state.left_out, state.unsaid) == (5, 5)
    state = after(n.NoticesLeftOut(3, 50), n.NoticeDelivered("ntc_1", "started", 70))
    assert (state.left_out, state.unsaid) == (3, 0)


@pytest.mark.parametrize(("age", "standing", "late"), [(59, False, False), (61, False, True), (9999, True, False)])
def test_old_news_is_no_news_unless_it_still_holds(age: int, standing: bool, late: bool) -> None:
    one = notice("waiting", at=NOW - timedelta(minutes=age), standing=standing)
    assert is_late(one, TARGET, NOW) is late


def test_pauses_grow_are_spread_and_end() -> None:
    whole = [pause(failures, 1.0).total_seconds() for failures in range(1, 12)]
    assert whole == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert pause(10_000, 1.0) == LONGEST
    assert [pause(3, chance).total_seconds() for chance in (0.0, 0.5, 1.0)] == [2, 3, 4]
    assert pause(1, 0.5, timedelta(seconds=77)) == timedelta(seconds=77)
    assert pause(1, 0.5, timedelta(days=3)) == HOUR
    assert pause(1, 0.5, timedelta(0)) > timedelta(0)


def test_a_target_is_where_it_is_whatever_it_is_told() -> None:
    other = n.Target("webhook", TARGET.settings, on=("waiting",), late=HOUR * 2)
    assert other.id == TARGET.id
    assert n.Target("webhook", {"url": "https://other.example.org"}).id != TARGET.id
    assert n.Target("webhook", TARGET.settings, environment="qa").id != TARGET.id
    assert TARGET.where == "https://hook.example.org/x"
    assert n.Target("apprise", {"url_from": "NOTIFY_CHAT"}).where == "NOTIFY_CHAT"
