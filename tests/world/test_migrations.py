"""What the simulated world holds of migrations bites: each way of breaking it is caught, by name."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from tests.world.test_mutations import caught

from headgate.decide import accept, going_back, migrating, plan, rules
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]  # seconds; a busy machine is not a failure

Patch = pytest.MonkeyPatch


def forget_the_horizon(patch: Patch) -> None:
    for module in (accept, going_back, rules):
        patch.setattr(module, "past_horizon", lambda revision, state: "")


def go_back_past_it(patch: Patch) -> None:
    patch.setattr(going_back, "past_horizon", lambda revision, state: "")


def forget_who_is_left(patch: Patch) -> None:
    patch.setattr(migrating, "_others_left", lambda keep, seen: "")


def forget_who_is_warm(patch: Patch) -> None:
    honest = migrating._hindrances

    def hindrances(state: EnvironmentState, seen: Seen, now: datetime) -> Iterator[str]:
        return honest(replace(state, warm_until=None), replace(seen, instances=()), now)

    patch.setattr(migrating, "_hindrances", hindrances)


def forget_who_is_monitored(patch: Patch) -> None:
    honest = migrating._hindrances

    def hindrances(state: EnvironmentState, seen: Seen, now: datetime) -> Iterator[str]:
        return honest(replace(state, monitoring=None), seen, now)

    patch.setattr(migrating, "_hindrances", hindrances)


def contract_in_a_rollout(patch: Patch) -> None:
    honest = migrating._hindrances

    def hindrances(state: EnvironmentState, seen: Seen, now: datetime) -> Iterator[str]:
        return honest(replace(state, rollout=None), replace(seen, instances=()), now)

    patch.setattr(migrating, "_hindrances", hindrances)


def run_the_candidate_first(patch: Patch) -> None:
    def wanted(state: EnvironmentState, now: datetime) -> list[Revision]:
        found = honest(state, now)
        mine = [state.rollout.revision] if state.rollout and state.rollout.phase in ("running", "paused") else []
        return plan._distinct([*mine, *found])

    honest = plan.wanted
    patch.setattr(plan, "wanted", wanted)


def two_at_once(patch: Patch) -> None:
    patch.setattr(migrating, "in_its_way", lambda *_: "")


def forget_what_ran(patch: Patch) -> None:
    honest = migrating.pending

    def pending(revision: Revision, state: EnvironmentState) -> list[migrating.Due]:
        return honest(revision, replace(state, migrations=()))

    patch.setattr(migrating, "pending", pending)


def never_contract(patch: Patch) -> None:
    patch.setattr(rules, "RULES", tuple(rule for rule in rules.RULES if rule is not rules.begin_contract))


def blame_nobody(patch: Patch) -> None:
    patch.setattr(rules, "_is_blind", lambda seen: True)


MUTANTS: list[tuple[Callable[[Patch], None], set[str]]] = [
    (forget_the_horizon, {"horizon"}),
    (go_back_past_it, {"horizon"}),
    (forget_who_is_left, {"contract"}),
    (forget_who_is_warm, {"contract"}),
    (forget_who_is_monitored, {"contract"}),
    (contract_in_a_rollout, {"contract"}),
    (run_the_candidate_first, {"schema", "ready", "stop-order"}),
    (two_at_once, {"once", "contract"}),
    (forget_what_ran, {"once"}),
    (never_contract, {"settled"}),
    (blame_nobody, {"blame"}),
]


TELLING = (19, 95, 15, 27)  # seeds that catch most of them; any others do as well, later


@pytest.mark.parametrize(("mutate", "invariants"), MUTANTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_mutant_is_caught(mutate: Callable[[Patch], None], invariants: set[str], monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    violation = caught(first=TELLING)
    assert violation is not None, "no world noticed"
    assert violation.invariant in invariants, violation
