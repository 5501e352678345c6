"""The watch over what follows promotions bites: each way of blaming wrongly, or of not watching, is caught."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.world.test_mutations import SEEDS, Patch, caught

from headgate.analysis import aims
from headgate.analysis import sentinel as statistics
from headgate.decide import monitoring, rules, sentinel
from headgate.decide.going_back import GoingBack, roll_back
from headgate.model import events as e
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState, Rollout
from headgate.testing.world import wheels

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]  # seconds; a busy machine is not a failure


def swapped(patch: Patch, old: rules.Rule, new: rules.Rule) -> None:
    patch.setattr(rules, "RULES", tuple(new if rule is old else rule for rule in rules.RULES))


def nobody_watches(patch: Patch) -> None:
    swapped(patch, sentinel.go_back_or_call, lambda *_: [])


def blame_whatever_speaks_for_it(patch: Patch) -> None:
    patch.setattr(monitoring, "excuse", lambda *_: "")


def blame_for_blindness(patch: Patch) -> None:
    def call_for_blindness(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
        known = monitoring.watched_now(state)
        if known is None or monitoring.evidence_of(known).unread_since is None:
            return []
        asked = GoingBack(monitoring.rollback_id(known), "headgate", "nothing is seen")
        gone = roll_back(asked, state, seen, now)
        return gone if isinstance(gone, list) else []

    swapped(patch, sentinel.call_for_blindness, call_for_blindness)


def blame_for_nothing(patch: Patch) -> None:
    patch.setattr(aims, "POINTS", 0.0)
    patch.setattr(aims, "TIMES", 0.05)
    patch.setattr(statistics, "FEWEST", 0)
    patch.setattr(statistics, "lower", lambda bad, answers: bad / answers if answers else 0.0)
    honest = monitoring.excuse

    def excuse(*about: Any) -> str:
        found = honest(*about)
        return "" if "did no better" in found else found

    patch.setattr(monitoring, "excuse", excuse)


def monitor_rollbacks(patch: Patch) -> None:
    """Two revisions that are both ill would be exchanged for ever."""

    def monitoring_begins(state: EnvironmentState, rollout: Rollout, seen: Seen, now: datetime) -> list[e.Event]:
        return honest(state, replace(rollout, kind="deploy"), seen, now)

    honest = sentinel.monitoring_begins
    patch.setattr(rules, "monitoring_begins", monitoring_begins)


def watch_during_a_trial(patch: Patch) -> None:
    """What the candidate breaks would be blamed on the stable."""
    for module in (monitoring, wheels):
        patch.setattr(module, "watched_now", lambda state: state.monitoring)


def watch_what_was_replaced(patch: Patch) -> None:
    patch.setattr(rules, "monitoring_ends", lambda *_: [])


MUTANTS: list[Callable[[Patch], None]] = [
    nobody_watches,
    blame_whatever_speaks_for_it,
    blame_for_blindness,
    blame_for_nothing,
    monitor_rollbacks,
    watch_during_a_trial,
    watch_what_was_replaced,
]


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda value: value.__name__)
def test_a_mutant_is_caught(mutate: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    violation = caught()
    assert violation is not None, f"no world of {SEEDS} noticed"
    assert violation.invariant == "vigil", violation
