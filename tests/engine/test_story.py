"""What happened, as sentences: what lets a rollout start is told with it."""

from tests.decide.given import CANARY, V2

from headgate.engine.story import sentence
from headgate.model.events import RolloutStarted
from headgate.model.ids import RolloutId


def test_a_rollout_says_why_its_gates_were_open() -> None:
    gates = ("approval: 2 of 2, by ann, bob", "webhook https://change.example.org: yes at 08:00: ticket 7")
    of = (CANARY.strategy, CANARY.analysis, CANARY.deadlines)
    event = RolloutStarted(RolloutId("rol_1"), "deploy", V2, None, (), *of, "ann", "", gates=gates)
    assert sentence(event).endswith(f"; open were {gates[0]}; {gates[1]}")
