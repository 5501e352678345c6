"""What the simulated world holds of infrastructure bites: each way of breaking it is caught, by name."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from tests.world.test_mutations import Patch, caught

from headgate.decide import accept, exact_set, gates, plan, progress, provisioning, rules, starting
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.infrastructure import ProvisioningSeen, ProvisioningStarted
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, ProvisioningRun, Request
from headgate.model.rules import Environment
from headgate.model.steps import Provision

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]  # seconds; a busy machine is not a failure


def allowed(rules: Environment) -> Environment:
    """As if the file said `destroy: approved`."""
    made_from = rules.infrastructure
    return replace(rules, infrastructure=made_from and replace(made_from, destroy="approved"))


def start_without_a_plan(patch: Patch) -> None:
    patch.setattr(gates, "shut", lambda *_: ("", False))


def take_the_plan_of_another_start(patch: Patch) -> None:
    patch.setattr(provisioning, "planned", lambda request, state: state.planned and state.planned.plan)


def approve_without_the_plan(patch: Patch) -> None:
    patch.setattr(exact_set, "_infrastructure", lambda request, state: {})


def forget_what_was_shown(patch: Patch) -> None:
    patch.setattr(starting.provisioning, "steps", lambda request, state, rules: ())


def destroy_what_never_may_be(patch: Patch) -> None:
    steps, shut = provisioning.steps, provisioning.shut
    patch.setattr(provisioning, "steps", lambda request, state, rules: steps(request, state, allowed(rules)))
    patch.setattr(
        gates, "shut", lambda request, state, seen, rules, now: shut(request, state, seen, allowed(rules), now)
    )


def destroy_past_closed_gates(patch: Patch) -> None:
    honest = provisioning.steps

    def steps(request: Request, state: EnvironmentState, rules: Environment) -> tuple[Provision, ...]:
        return honest(replace(request, break_glass=False), state, rules)

    patch.setattr(provisioning, "steps", steps)


def destroy_by_hand(patch: Patch) -> None:
    """What people ask for outside of a rollout has nobody's approval."""
    honest = provisioning.asked_for

    def asked_for(
        command: c.Provision, state: EnvironmentState, seen: Seen, now: datetime
    ) -> list[e.Event] | c.Refused:
        mild = replace(command.plan, changes=tuple(replace(one, action="update") for one in command.plan.changes))
        answer = honest(replace(command, plan=mild), state, seen, now)
        return answer if isinstance(answer, c.Refused) else [ProvisioningStarted(command.plan, command.by, "so")]

    patch.setattr(accept.provisioning, "asked_for", asked_for)


def let_anybody_apply(patch: Patch) -> None:
    patch.setattr(provisioning, "may_break_glass", lambda *_: True)


def apply_in_a_freeze(patch: Patch) -> None:
    patch.setattr(provisioning, "standstill", lambda *_: [])


def two_at_once(patch: Patch) -> None:
    for module in (gates, provisioning):
        patch.setattr(module, "running", lambda state: None)


def apply_on_the_way_back(patch: Patch) -> None:
    honest = provisioning.steps

    def steps(request: Request, state: EnvironmentState, rules: Environment) -> tuple[Provision, ...]:
        latest = state.planned and replace(state.planned, rollout=request.rollout)
        return honest(replace(request, kind="deploy"), replace(state, planned=latest), rules)

    patch.setattr(provisioning, "steps", steps)


def take_the_end_of_another_apply(patch: Patch) -> None:
    """The one before it, of the same plan."""

    def is_of(found: ProvisioningSeen, run: ProvisioningRun) -> bool:
        return found.digest == run.plan.digest

    patch.setattr(provisioning, "is_of", is_of)


def never_note_the_end(patch: Patch) -> None:
    left = tuple(rule for rule in rules.RULES if rule is not rules.end_provisioning)
    patch.setattr(rules, "RULES", left)


def start_the_candidate_beside_it(patch: Patch) -> None:
    honest = plan.wanted

    def wanted(state: EnvironmentState, now: datetime) -> list[Revision]:
        rollout = state.rollout
        mine = [rollout.revision] if rollout and rollout.phase == "running" else []
        return plan._distinct([*mine, *honest(state, now)])

    patch.setattr(plan, "wanted", wanted)


def go_on_without_it(patch: Patch) -> None:
    patch.setattr(progress, "_provisioned", lambda *_: progress.Done("it will be there"))


def blame_the_release(patch: Patch) -> None:
    honest = rules._abort

    def abort(rollout: object, why: str, blameless: bool = False) -> e.RolloutAborted:
        return honest(rollout, why, blameless and "infrastructure" not in why)  # type: ignore[arg-type]

    patch.setattr(rules, "_abort", abort)


MUTANTS: list[tuple[Callable[[Patch], None], set[str]]] = [
    (start_without_a_plan, {"ground", "one-apply", "gates"}),
    (take_the_plan_of_another_start, {"ground", "gates"}),
    (approve_without_the_plan, {"gates"}),
    (forget_what_was_shown, {"ground"}),
    (destroy_what_never_may_be, {"harm"}),
    (destroy_past_closed_gates, {"harm"}),
    (destroy_by_hand, {"harm"}),
    (let_anybody_apply, {"glass"}),
    (apply_in_a_freeze, {"frozen"}),
    (two_at_once, {"one-apply"}),
    (apply_on_the_way_back, {"ground"}),
    (take_the_end_of_another_apply, {"ground"}),
    (never_note_the_end, {"settled"}),
    (start_the_candidate_beside_it, {"ground-first", "stop-order", "ready", "schema"}),
    (go_on_without_it, {"ground-first"}),
    (blame_the_release, {"ground-blame"}),
]


TELLING = (4, 5, 32, 41, 104, 56, 13)  # seeds that catch most of them; any others do as well, later


@pytest.mark.parametrize(("mutate", "invariants"), MUTANTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_mutant_is_caught(mutate: Callable[[Patch], None], invariants: set[str], monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    violation = caught(first=TELLING)
    assert violation is not None, "no world noticed"
    assert violation.invariant in invariants, violation
