"""The webhook gate: what another system said, and how long that counts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.given import CANARY, NOW, V2, ago, request, routes, seconds, seen, state, turn

from headgate.decide.explain import waits_for
from headgate.model.ids import RolloutId
from headgate.model.observations import GateAnswer, Seen
from headgate.model.rules import WebhookGate

GATE = WebhookGate("https://gate.example.org/shop?key=hidden", seconds(10), every=seconds(30), deadline=seconds(3600))
ASKED = (GATE, RolloutId("rol_9"))
WAITING = state(waiting=request(V2))
TOO_OLD = "https://gate.example.org/shop said yes too long ago, and is asked again"
STARTED = ["RolloutStarted deploy v2"]


def look(*answers: GateAnswer) -> Seen:
    base = seen({"v1": "ready ready"}, routes({"v1": 100}))
    return replace(base, rules=replace(CANARY, gates=(GATE,)), answers=dict.fromkeys([ASKED][: len(answers)], *answers))


@pytest.mark.parametrize(
    ("answer", "events", "why"),
    [
        (None, [], "https://gate.example.org/shop was asked and has not answered yet"),
        (GateAnswer(True, "go", ago(5)), STARTED, ""),
        (GateAnswer(True, "go", ago(40)), STARTED, ""),
        (GateAnswer(True, "go", ago(41)), [], TOO_OLD),
        (GateAnswer(True, "go", ago(-1)), [], TOO_OLD),
        (GateAnswer(False, "an incident", ago(5)), [], "https://gate.example.org/shop says no: an incident"),
        (GateAnswer(None, "no answer within 10 s", ago(5)), [], "https://gate.example.org/shop: no answer within 10 s"),
    ],
)
def test_only_a_yes_of_now_opens_it(answer: GateAnswer | None, events: list[str], why: str) -> None:
    at = look(answer) if answer else look()
    assert turn(WAITING, at)[0] == events
    if why:
        assert waits_for(WAITING, at, NOW) == [f"v2 waits for a gate: {why}"]


def test_in_the_end_it_is_dropped() -> None:
    late = state(waiting=request(V2, asked=3601))
    assert turn(late, look(GateAnswer(False, "no", ago(1))))[0] == ["ReleaseDropped rel_v2"]
    assert turn(late, look(GateAnswer(True, "", ago(1))))[0] == STARTED


def test_a_yes_to_another_gate_or_another_start_is_none_to_this_one() -> None:
    for asked in ((replace(GATE, secret_from="GATE_KEY"), ASKED[1]), (GATE, RolloutId("rol_8"))):
        assert turn(WAITING, replace(look(), answers={asked: GateAnswer(True, "", NOW)}))[0] == []


@given(st.sampled_from([True, False, None]), st.integers(0, 100))
def test_unknown_is_never_open(said: bool | None, age: int) -> None:
    started = turn(WAITING, look(GateAnswer(said, "", ago(age))))[0] == STARTED
    assert started == (said is True and age <= 40)
