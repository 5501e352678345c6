"""The state diagram is drawn from the code, is current, and leaves nothing out."""

from typing import get_args, get_type_hints

from tests.decide.diagram import DOCUMENT, PHASES, document, moves

from headgate.decide.rules import RULES
from headgate.model.rollouts import Rollout


def test_it_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "run `python -m tests.decide.diagram`"


def test_every_phase_is_in_it() -> None:
    assert set(get_args(get_type_hints(Rollout)["phase"])) == set(PHASES) - {"idle", "waiting"}


def test_every_rule_speaks_in_some_look_that_the_tests_know() -> None:
    assert {rule.__name__ for rule in RULES} <= {move.who for move in moves()}


def test_no_phase_is_a_dead_end() -> None:
    edges = {(move.before, move.after) for move in moves()}
    home = {"idle"}
    while more := {before for before, after in edges if after in home} - home:
        home |= more
    assert home == set(PHASES)
