"""Break-glass: who may, what it passes, what it never passes, and what the log says of it."""

from dataclasses import replace
from typing import Any

import pytest
from tests.decide.given import BOTH, CANARY, NOW, V2, V3, ago, request, rollout, routes, seconds, seen, state

from headgate.decide.accept import accept
from headgate.decide.fold import apply
from headgate.decide.rules import decide
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.freezes import Freeze
from headgate.model.glass import GlassBroken
from headgate.model.ids import RolloutId
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState, SignOff
from headgate.model.rules import ApprovalGate, FreezeGate, SignOffGate, SoakGate

LOOK = seen({"v1": "ready ready"}, routes({"v1": 100}))
START = seconds((NOW.weekday() * 24 + NOW.hour) * 3600)
WEEKLY = FreezeGate(START, START + seconds(3600), "UTC")
SHUT = (ApprovalGate(("cleo",), deadline=seconds(5)), SoakGate(seconds(60)), SignOffGate("qa"), WEEKLY)
RULES = replace(CANARY, gates=SHUT, break_glass=("bob",))
PASSED = {V2.release: NOW}


def look(**more: Any) -> Seen:
    return replace(LOOK, **{"rules": RULES, "passed": PASSED, **more})


def asked(by: str = "bob", why: str = "it burns", hotfix: bool = False, wanted: Any = V2) -> c.Deploy:
    return c.Deploy(wanted, RolloutId("rol_9"), by, why, hotfix, break_glass=True)


def waits(**more: Any) -> EnvironmentState:
    return state(waiting=replace(request(V2), break_glass=True, why="it burns"), **more)


def refusal(command: c.Deploy, here: EnvironmentState, at: Seen) -> str:
    answer = accept(command, here, at, NOW)
    return answer.why if isinstance(answer, c.Refused) else ""


@pytest.mark.parametrize(
    ("command", "at", "word"),
    [
        (asked(), look(), ""),
        (asked("ann"), look(), "bob may"),
        (asked(), look(rules=replace(RULES, break_glass=())), "nobody may break the glass here"),
        (asked(why=""), look(), "--why"),
        (asked(), look(quarantined={V2.release: "it burned"}), "quarantined"),
        (asked(), look(signed_off={"qa": {V2.release: SignOff("cleo", "rejected", "", NOW)}}), "rejected"),
        (asked(), look(rules=replace(RULES, after="qa"), passed={}), "not promoted in qa"),
        (asked("Bob"), look(), ""),  # as people read it
        (asked("Bobby"), look(), "Bobby may not"),
    ],
)
def test_who_may_and_for_what(command: c.Deploy, at: Seen, word: str) -> None:
    told = refusal(command, state(), at)
    assert word in told
    assert bool(told) == bool(word)


def test_whom_the_rules_no_longer_name_starts_like_everybody_and_breaks_nothing() -> None:
    rules = replace(RULES, gates=(SoakGate(seconds(60)),), break_glass=("ann",))
    assert decide(waits(), look(rules=rules), NOW) == []
    events = decide(waits(), look(rules=rules, passed={V2.release: ago(120)}), NOW)
    assert isinstance(events[0], e.RolloutStarted)
    assert events[0].gates[0].startswith("soak of 1 min")
    assert not [one for one in events if isinstance(one, GlassBroken)]


def test_every_closed_gate_is_passed_and_named_in_an_event_of_its_own() -> None:
    here = waits(freeze=Freeze("ann", "the sale", ago(60)))
    started, broken = decide(here, look(frozen=Freeze("dan", "an incident", ago(5))), NOW)[:2]
    assert isinstance(started, e.RolloutStarted)
    assert isinstance(broken, GlassBroken)
    told = ("0 of 1 approvals", "soak", "sign-off", "freeze until")
    words = ("frozen by ann", "every environment is frozen by dan", *told)
    assert len(broken.gates) == len(words)
    assert all(word in gate for word, gate in zip(words, broken.gates, strict=True))
    assert (broken.by, broken.why, broken.release) == ("bob", "it burns", V2.release)


def test_it_stays_with_the_rollout_and_with_what_is_past() -> None:
    here = waits()
    for event in (*decide(here, look(), NOW)[:2], e.RolloutEnded(RolloutId("rol_9"), "promoted", "")):
        here = apply(event, here, NOW)
    (past,) = here.past
    assert past.glass is not None
    assert past.glass.by == "bob"
    assert len(past.glass.gates) == len(SHUT)


def test_gates_that_are_open_are_not_called_broken() -> None:
    _, broken = decide(waits(), look(rules=replace(CANARY, break_glass=("bob",))), NOW)[:2]
    assert isinstance(broken, GlassBroken)
    assert broken.gates == ()


@pytest.mark.parametrize(
    ("why", "at"),
    [
        ("the rules name others by now", look(rules=replace(RULES, break_glass=("cleo",), gates=(WEEKLY,)))),
        ("never stable before", look(rules=replace(RULES, after="qa"), passed={})),
    ],
)
def test_what_waits_is_not_let_through_by_what_was_once_accepted(why: str, at: Seen) -> None:
    assert decide(waits(), at, NOW) == [], why


def test_a_rejection_meanwhile_drops_it() -> None:
    found = {"qa": {V2.release: SignOff("cleo", "rejected", "totals", NOW)}}
    (dropped,) = decide(waits(), look(signed_off=found), NOW)
    assert isinstance(dropped, e.ReleaseDropped)


def test_what_waits_already_may_be_asked_for_again_to_break_the_glass() -> None:
    held = state(waiting=request(V2))
    assert refusal(replace(asked(), break_glass=False), held, look())
    answer = accept(asked(), held, look(), NOW)
    assert isinstance(answer, list)
    kinds = [type(event).__name__ for event in answer]
    assert kinds[:2] == ["ReleaseSuperseded", "ReleaseRequested"]
    assert refusal(asked(), waits(), look())


def test_it_waits_its_turn_unless_it_is_a_hotfix_too() -> None:
    flying = state(rollout("analyze"), waiting=replace(request(V3), break_glass=True))
    at = replace(seen(BOTH, routes({"v2": 5, "v1": 95})), rules=RULES)
    assert not [one for one in decide(flying, at, NOW) if isinstance(one, e.RolloutAborted)]
    hurried = replace(flying, waiting=replace(request(V3), break_glass=True, hotfix=True))
    assert [one for one in decide(hurried, at, NOW) if isinstance(one, e.RolloutAborted)]
