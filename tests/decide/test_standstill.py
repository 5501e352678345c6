"""Stop-the-line: what a freeze stops and what goes on, who is told what, and how it ends."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.given import BOTH, CANARY, NOW, V1, V2, V3, ago, request, rollout, routes, seconds, seen, state, turn

from headgate.decide.accept import accept
from headgate.decide.explain import waits_for
from headgate.decide.fold import apply
from headgate.decide.gates import closed_gates
from headgate.decide.standstill import latest, may_freeze, may_unfreeze, standstill
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.freezes import Freeze, RolloutsFrozen, RolloutsUnfrozen
from headgate.model.ids import SERVER_STREAM

HELD = Freeze("ann", "the sale", ago(60))
SHORT = replace(HELD, until=NOW + seconds(90 * 60))
OVER = replace(HELD, until=NOW)
LOOK = seen({"v1": "ready ready"}, routes({"v1": 100}))
WAITING = state(waiting=request(V2))


@pytest.mark.parametrize(
    ("own", "whole", "started"),
    [
        (None, None, True),
        (HELD, None, False),
        (SHORT, None, False),
        (OVER, None, True),
        (None, HELD, False),
        (None, OVER, True),
        (OVER, HELD, False),
    ],
)
def test_no_rollout_starts_while_it_holds(own: Freeze | None, whole: Freeze | None, started: bool) -> None:
    events, _ = turn(replace(WAITING, freeze=own), replace(LOOK, frozen=whole))
    assert events == (["RolloutStarted deploy v2"] if started else [])


def test_a_hotfix_and_what_replaces_do_not_start_either_and_abort_nothing() -> None:
    look = replace(seen(BOTH, routes({"v2": 5, "v1": 95})), rules=replace(CANARY, concurrency="replace"), frozen=HELD)
    for hurried in (True, False):
        flying = state(rollout("analyze"), waiting=replace(request(V3), hotfix=hurried))
        assert "RolloutAborted by headgate" not in turn(flying, look)[0]
        assert "RolloutAborted by headgate" in turn(flying, replace(look, frozen=None))[0]


def test_a_way_back_is_never_held_up() -> None:
    frozen = state(stable=V2, previous=V1, freeze=HELD)
    look = replace(seen(BOTH, routes({"v2": 100})), frozen=HELD)
    answer = accept(c.Rollback(request(V1).rollout, "bob"), frozen, look, NOW)
    assert isinstance(answer, list)
    assert isinstance(answer[-1], e.RolloutStarted)
    assert closed_gates(CANARY, request(V1, kind="rollback"), frozen, look, NOW) == []


def test_what_is_in_flight_goes_on() -> None:
    look = seen(BOTH, routes({"v2": 5, "v1": 95}))
    flying = state(rollout("weight 5"))
    assert turn(replace(flying, freeze=HELD), replace(look, frozen=HELD)) == turn(flying, look)


def test_everybody_is_told_who_why_and_until_when() -> None:
    (why,) = waits_for(replace(WAITING, freeze=SHORT), LOOK, NOW)
    assert why == (
        "v2 waits for a gate: frozen by ann (the sale) since 2026-03-02 11:59 UTC until 2026-03-02 13:30 UTC, "
        "in 1 h 30 min: `headgate unfreeze production`"
    )
    (idle,) = waits_for(state(), replace(LOOK, frozen=HELD), NOW)
    assert idle == (
        "no rollout starts here: every environment is frozen by ann (the sale) since 2026-03-02 11:59 UTC "
        "until someone ends it: `headgate unfreeze --all`"
    )
    assert waits_for(replace(state(), freeze=OVER), LOOK, NOW) == []


@pytest.mark.parametrize(
    ("command", "known", "word"),
    [
        (c.Freeze("bob", ""), None, "--why"),
        (c.Freeze("bob", "x", NOW), None, "is past"),
        (c.Freeze("bob", "x", NOW + seconds(60)), HELD, "ann froze it for longer"),
        (c.Freeze("bob", "x", NOW + seconds(60)), SHORT, "`headgate unfreeze production`"),
        (c.Freeze("bob", "x", NOW + seconds(60)), OVER, None),
        (c.Freeze("bob", "x", NOW + seconds(9000)), SHORT, None),
        (c.Freeze("bob", "x"), SHORT, None),
        (c.Freeze("bob", "x"), HELD, None),
    ],
)
def test_who_may_freeze_over_whom(command: c.Freeze, known: Freeze | None, word: str | None) -> None:
    answer = may_freeze(command, known, NOW, "production")
    if word is None:
        assert answer == [RolloutsFrozen("bob", "x", command.until)]
    else:
        assert isinstance(answer, c.Refused)
        assert word in answer.why


def test_only_what_holds_is_unfrozen() -> None:
    for known in (None, OVER):
        assert isinstance(may_unfreeze(c.Unfreeze("bob"), known, NOW), c.Refused)
    assert may_unfreeze(c.Unfreeze("bob", "done"), HELD, NOW) == [RolloutsUnfrozen("bob", "done")]
    refused = accept(c.Unfreeze("bob"), state(), replace(LOOK, frozen=HELD), NOW)
    assert isinstance(refused, c.Refused)
    assert "unfreeze --all" in refused.why


def test_the_server_s_stream_is_folded_like_an_environment_s() -> None:
    told = [RolloutsFrozen("ann", "the sale"), RolloutsUnfrozen("bob"), RolloutsFrozen("cleo", "again", NOW)]
    recorded = [e.Recorded(SERVER_STREAM, n, n, ago(10 - n), one) for n, one in enumerate(told, 1)]
    assert latest(None, recorded) == Freeze("cleo", "again", ago(7), NOW)
    assert latest(None, recorded[:2]) is None
    here = state()
    for one in recorded:
        here = apply(one.event, here, one.at)
    assert here.freeze == latest(None, recorded)


MOMENTS = st.one_of(st.none(), st.integers(-100, 100).map(lambda s: NOW + seconds(s)))


@given(MOMENTS, MOMENTS, st.integers(-100, 100))
def test_a_start_and_a_freeze_exclude_each_other(own: datetime | None, whole: datetime | None, moved: int) -> None:
    now = NOW + seconds(moved)
    frozen = replace(WAITING, freeze=replace(HELD, until=own))
    look = replace(LOOK, frozen=replace(HELD, until=whole))
    held = any(until is None or now < until for until in (own, whole))
    assert bool(standstill(frozen, look, now)) == held
    assert turn(frozen, look, now)[0] == ([] if held else ["RolloutStarted deploy v2"])
