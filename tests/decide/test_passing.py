"""Why each gate was open goes on record with the rollout that it let start."""

from dataclasses import replace
from typing import Any

import pytest
from tests.decide.given import CANARY, NOW, V2, ago, request, routes, seconds, seen, state

from headgate.decide.exact_set import exact_set
from headgate.decide.rules import decide
from headgate.model import events as e
from headgate.model.approvals import Approval
from headgate.model.observations import GateAnswer, Place
from headgate.model.parity import Accepted, Parity, ParityGate
from headgate.model.rollouts import SignOff
from headgate.model.rules import ApprovalGate, FreezeGate, Gate, SignOffGate, SoakGate, WebhookGate

LOOK = seen({"v1": "ready ready"}, routes({"v1": 100}))
START = seconds((NOW.weekday() * 24 + NOW.hour + 2) * 3600)
RULES = replace(CANARY, parity={"staging": Parity(0.1, (Accepted("replicas *", "two are enough"),))})
SMALLER = Place(replace(CANARY, name="staging"), replace(V2, services=(replace(V2.services[0], replicas=3),)))
LATER = FreezeGate(START, START + seconds(3600), "UTC")
ASKED = WebhookGate("https://change.example.org/may", seconds(3600))
WAITING = request(V2)


def gates(kind: str = "deploy", *rules: Gate, **more: Any) -> tuple[str, ...]:
    known: dict[str, Any] = {"answers": {(ASKED, WAITING.rollout): GateAnswer(True, "ticket 7", ago(1))}, **more}
    known["beside"] = {"staging": SMALLER}
    look = replace(LOOK, rules=replace(RULES, gates=rules), passed={V2.release: ago(3600)}, **known)
    waits = state(waiting=replace(WAITING, kind=kind))
    of = exact_set(replace(WAITING, kind=kind), waits, replace(RULES, gates=rules))
    approvals = (Approval(V2.release, "dan", ago(10), of), Approval(V2.release, "bob", ago(9), of))
    events = decide(replace(waits, approvals=approvals), look, NOW)
    (started,) = (one for one in events if isinstance(one, e.RolloutStarted))
    return started.gates


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (ApprovalGate(("dan", "bob"), count=2), "approval: 2 of 2, by bob, dan"),
        (SoakGate(seconds(1800)), "soak of 30 min: stable before since"),
        (SignOffGate("qa"), "sign-off in qa: accepted by cleo: fine"),
        (LATER, "freeze: not at this time (UTC)"),
        (ParityGate("staging"), "parity: staging is a replica but for replicas web, as accepted"),
        (ASKED, "webhook https://change.example.org/may: yes at"),
    ],
)
def test_each_gate_says_why(gate: Gate, says: str) -> None:
    (told,) = gates("deploy", gate, signed_off={"qa": {V2.release: SignOff("cleo", "accepted", "fine", NOW)}})
    assert told.startswith(says)


def test_an_answer_of_the_outside_is_told_with_its_reason() -> None:
    assert gates("deploy", ASKED)[0].endswith(": ticket 7")


def test_a_rollback_asked_no_gate() -> None:
    assert gates("rollback", ApprovalGate(("cleo",))) == ()


def test_without_gates_nothing_is_told() -> None:
    assert gates("deploy") == ()
