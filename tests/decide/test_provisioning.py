"""Which plans are applied, and when: request and state in, steps, gates and refusals out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from tests.decide import given
from tests.decide import test_waiting as waiting

from headgate.decide.exact_set import changed, exact_set
from headgate.decide.fold import apply, empty
from headgate.decide.parity import differences
from headgate.decide.plan import plan
from headgate.decide.provisioning import asked_for, shut, stands_already, steps
from headgate.decide.rules import decide
from headgate.model import commands as c
from headgate.model.events import ReleaseRequested, RolloutAborted
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId, RolloutId
from headgate.model.infrastructure import (
    Infrastructure,
    InfrastructurePlan,
    InfrastructurePlanned,
    PlanSeen,
    ProvisioningEnded,
    ProvisioningSeen,
    ProvisioningStarted,
    Resource,
    ResourceChange,
)
from headgate.model.observations import Place, Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Request
from headgate.model.rules import ApprovalGate, Environment
from headgate.model.steps import Provision, Start

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HERE = EnvironmentId("shop/qa")
ROLLOUT = RolloutId("rol_1")
HARMLESS = InfrastructurePlan("plan_1", (ResourceChange("aws_sqs_queue.a", "aws_sqs_queue", "create"),))
HARMFUL = InfrastructurePlan("plan_2", (ResourceChange("aws_db_instance.a", "aws_db_instance", "destroy"),))
EMPTY = InfrastructurePlan("plan_3")
NEVER = Environment("qa", "process", infrastructure=Infrastructure("terraform", "/srv/qa"))
ALLOWED = replace(NEVER, infrastructure=Infrastructure("terraform", "/srv/qa", destroy="approved"))
NONE = replace(NEVER, infrastructure=None)
DESTROYS = (
    "the plan would destroy aws_db_instance.a, and `destroy: never` holds; "
    "`destroy: approved` lets it, once it is approved"
)
GATED = replace(ALLOWED, gates=(ApprovalGate(("bob",)),), break_glass=("ann",))


def revision(name: str = "rev_1") -> Revision:
    return Revision(RevisionId(name), HERE, ReleaseId("rel_1"), "c" * 40, "v1", ())


def request(kind: str = "deploy", **more: object) -> Request:
    return Request(revision(), ROLLOUT, kind, "ann", "", NOW, **more)  # type: ignore[arg-type]


def planned(plan: InfrastructurePlan, rollout: RolloutId = ROLLOUT) -> EnvironmentState:
    return apply(InfrastructurePlanned(rollout, plan), empty(HERE), NOW)


@pytest.mark.parametrize(
    ("rules", "shown", "asked", "applied"),
    [
        pytest.param(NEVER, HARMLESS, request(), True, id="what it creates"),
        pytest.param(NEVER, EMPTY, request(), False, id="nothing"),
        pytest.param(NEVER, HARMFUL, request(), False, id="nothing that destroys, by default"),
        pytest.param(ALLOWED, HARMFUL, request(), True, id="what destroys, where the file lets it"),
        pytest.param(ALLOWED, HARMFUL, request(break_glass=True), False, id="nothing that destroys past closed gates"),
        pytest.param(NEVER, HARMLESS, request(break_glass=True), True, id="what it creates, past closed gates"),
        pytest.param(ALLOWED, HARMLESS, request("rollback"), False, id="nothing on the way back"),
        pytest.param(NONE, HARMLESS, request(), False, id="nothing without terraform"),
    ],
)
def test_what_a_rollout_applies(rules: Environment, shown: InfrastructurePlan, asked: Request, applied: bool) -> None:
    assert [step.plan for step in steps(asked, planned(shown), rules)] == ([shown] if applied else [])


def test_the_plan_of_another_start_is_not_applied() -> None:
    assert steps(request(), planned(HARMLESS, RolloutId("rol_0")), NEVER) == ()


@pytest.mark.parametrize(
    ("rules", "state", "seen", "why"),
    [
        pytest.param(NEVER, empty(HERE), None, "the infrastructure plan is being made", id="no plan yet"),
        pytest.param(NEVER, empty(HERE), "no rights", "the infrastructure plan cannot be told: no rights", id="none"),
        pytest.param(NEVER, planned(HARMLESS), None, "", id="a plan that creates"),
        pytest.param(NEVER, planned(HARMFUL), None, DESTROYS, id="a plan that destroys"),
        pytest.param(ALLOWED, planned(HARMFUL), None, "", id="a plan that may destroy: its approval gate is another"),
        pytest.param(NONE, empty(HERE), None, "", id="no terraform"),
    ],
)
def test_what_holds_up_a_start(rules: Environment, state: EnvironmentState, seen: str | None, why: str) -> None:
    known = PlanSeen(ROLLOUT, NOW, None, seen) if seen else None
    assert shut(request(), state, Seen(rules, (), None, planned=known), rules, NOW) == (why, False)


def test_a_start_does_not_wait_for_ever() -> None:
    seen = Seen(NEVER, (), None)
    assert shut(request(), empty(HERE), seen, NEVER, NOW + timedelta(days=2))[1]


def running(state: EnvironmentState) -> EnvironmentState:
    return apply(ProvisioningStarted(HARMLESS, "eve", ""), state, NOW)


def test_nothing_starts_while_somebody_changes_the_infrastructure() -> None:
    state = running(planned(HARMLESS))
    assert "as eve asked" in shut(request(), state, Seen(NEVER, (), None), NEVER, NOW)[0]
    ended = apply(ProvisioningEnded(HARMLESS.digest, "passed", ""), state, NOW)
    assert shut(request(), ended, Seen(NEVER, (), None), NEVER, NOW)[0] == ""


STABLE = replace(empty(HERE), stable=revision())


WAITED_FOR = replace(STABLE, waiting=request())


@pytest.mark.parametrize(
    ("rules", "state", "command", "refused"),
    [
        pytest.param(NEVER, STABLE, c.Provision(HARMLESS, "eve"), "", id="where no gate holds"),
        pytest.param(NEVER, STABLE, c.Provision(EMPTY, "eve"), "nothing to apply", id="nothing"),
        pytest.param(NEVER, STABLE, c.Provision(HARMFUL, "eve"), "`destroy: never` holds", id="what destroys"),
        pytest.param(NEVER, running(STABLE), c.Provision(HARMLESS, "eve"), "under way", id="two at once"),
        pytest.param(GATED, empty(HERE), c.Provision(HARMLESS, "eve"), "", id="before anything serves"),
        pytest.param(GATED, STABLE, c.Provision(HARMLESS, "ann", "fire"), "", id="who may break the glass, with why"),
        pytest.param(GATED, empty(HERE), c.Provision(HARMFUL, "eve"), "once it is approved", id="harm, first"),
        pytest.param(GATED, WAITED_FOR, c.Provision(HARMLESS, "eve"), "its rollout applies", id="beside who waits"),
        pytest.param(NONE, STABLE, c.Provision(HARMLESS, "eve"), "no `terraform`", id="where there is none"),
    ],
)
def test_who_may_apply_by_itself(
    rules: Environment, state: EnvironmentState, command: c.Provision, refused: str
) -> None:
    answer = asked_for(command, state, Seen(rules, (), None), NOW)
    if refused:
        assert isinstance(answer, c.Refused)
        assert refused in answer.why
    else:
        assert answer == [ProvisioningStarted(command.plan, command.by, command.why or "asked for by eve")]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(c.Provision(HARMLESS, "eve", "now", ROLLOUT), id="by anybody"),
        pytest.param(c.Provision(HARMLESS, "ann", "", ROLLOUT), id="by who may break the glass, without why"),
        pytest.param(c.Provision(HARMFUL, "ann", "fire", ROLLOUT), id="what destroys, by whomever"),
    ],
)
def test_where_gates_hold_it_is_asked_of_them_as_a_rollout_of_what_is_stable(command: c.Provision) -> None:
    answer = asked_for(command, STABLE, Seen(GATED, (), None), NOW)
    assert isinstance(answer, list)
    [asked] = answer
    assert isinstance(asked, ReleaseRequested)
    assert asked.rollout == ROLLOUT
    assert asked.revision.id != revision().id
    assert asked.revision.is_as(revision())


def test_what_is_stable_is_rolled_out_again_only_for_another_ground() -> None:
    again = replace(request(), revision=revision("rev_2"))
    assert stands_already(again, STABLE) == ""  # what would change is not known yet
    told = replace(STABLE, planned=InfrastructurePlanned(ROLLOUT, HARMLESS))
    assert stands_already(again, told) == ""
    done = replace(STABLE, planned=InfrastructurePlanned(ROLLOUT, EMPTY))
    assert stands_already(again, done).startswith("it is stable here already, and on the infrastructure")
    assert stands_already(request(), told) == "it is stable here already"


def test_an_approval_is_for_one_plan_and_for_no_plan_where_nothing_changes() -> None:
    sets = [exact_set(request(), state, NEVER) for state in (empty(HERE), planned(EMPTY), planned(HARMLESS))]
    assert sets[0] == sets[1] != sets[2]
    words = "the infrastructure plan changed"
    assert changed(sets[0], request(), planned(HARMLESS), NEVER) == words
    assert changed(sets[2], request(), planned(HARMFUL), NEVER) == words
    assert changed(sets[2], request(), planned(EMPTY), NEVER) == words
    assert changed(sets[2], request(), planned(HARMLESS), NEVER) == ""
    assert changed(sets[2][:-1], request(), planned(HARMLESS), NEVER) == "that is no digest of a set"


def place(name: str, *addresses: str) -> Place:
    rules = replace(NEVER, name=name)
    return Place(rules, revision(), "", tuple(Resource(one, one.partition(".")[0]) for one in addresses))


def told(left: Place, right: Place) -> list[str]:
    return [one.sentence for one in differences(left, right) if one.what.startswith(("resource", "infrastructure"))]


def test_resources_are_the_same_where_only_the_environments_name_differs() -> None:
    left = place("staging", "aws_sqs_queue.staging_jobs", 'aws_db.main["staging"]')
    assert told(left, place("production", "aws_sqs_queue.production_jobs", 'aws_db.main["production"]')) == []


def test_resources_of_one_alone_are_told_by_their_type() -> None:
    left = place("staging", "aws_db.main")
    right = place("production", "aws_db.main", "aws_db.replica", "aws_sqs_queue.jobs")
    assert told(left, right) == [
        "resource aws_db: 1 in staging, 2 in production; only production has aws_db.replica",
        "resource aws_sqs_queue: 0 in staging, 1 in production; only production has aws_sqs_queue.jobs",
    ]


def test_resources_that_cannot_be_told_are_a_difference() -> None:
    unknown = replace(place("staging"), resources=None)
    assert told(unknown, place("production")) == ["resource: those of staging cannot be told"]
    without = replace(place("staging"), rules=replace(NEVER, name="staging", infrastructure=None))
    assert told(without, place("production")) == ["infrastructure: none in staging, terraform in production"]


STEPS = (Provision(HARMLESS, timedelta(minutes=5)), Start(timedelta(minutes=1)))
APPLYING = replace(given.rollout("start"), steps=STEPS, position=0)
BEGUN = ProvisioningStarted(HARMLESS, "headgate", "v2 comes with it", APPLYING.id)
UNDER_WAY = apply(BEGUN, given.state(APPLYING), NOW)
QUIET = given.seen({"v1": "ready"}, given.routes({"v1": 100}))
WAITING = given.state(waiting=waiting.request(given.V2))
TOLD = PlanSeen(waiting.request(given.V2).rollout, NOW, HARMLESS)


def seen_to(state: Literal["running", "passed", "failed"], why: str = "") -> Seen:
    return replace(QUIET, provisioning=ProvisioningSeen(HARMLESS.digest, state, why, APPLYING.id))


CASES: dict[str, tuple[EnvironmentState, Seen, list[str]]] = {
    "a plan that was told is put on record": (
        WAITING,
        replace(QUIET, planned=TOLD, rules=NEVER),
        ["InfrastructurePlanned", "RolloutStarted", "ProvisioningStarted"],
    ),
    "a rollout that comes to it is on record before it begins": (
        given.state(APPLYING),
        QUIET,
        ["ProvisioningStarted"],
    ),
    "one that is under way is waited for": (UNDER_WAY, seen_to("running"), []),
    "one that nobody knows of any more is waited for": (UNDER_WAY, QUIET, []),
    "one that passed lets the candidate start": (
        UNDER_WAY,
        seen_to("passed"),
        ["ProvisioningEnded", "StepCompleted"],
    ),
    "one that failed aborts": (
        UNDER_WAY,
        seen_to("failed", "AccessDenied"),
        ["ProvisioningEnded", "RolloutAborted", "RolloutEnded"],
    ),
}


@pytest.mark.parametrize(("state", "seen", "kinds"), CASES.values(), ids=CASES)
def test_what_follows_from_a_look(state: EnvironmentState, seen: Seen, kinds: list[str]) -> None:
    assert [type(one).__name__ for one in decide(state, seen, given.NOW)] == kinds


def test_an_apply_is_asked_for_until_it_is_seen_and_the_candidate_is_not_started() -> None:
    asked = [str(one) for one in plan(UNDER_WAY, QUIET, given.NOW)]
    assert f"apply {HARMLESS.digest}" in asked
    assert f"run {given.V2.id}" not in asked
    assert f"apply {HARMLESS.digest}" not in [str(one) for one in plan(UNDER_WAY, seen_to("running"), given.NOW)]


def test_the_end_of_the_apply_before_it_is_not_its_own_though_the_plan_is_the_same() -> None:
    before = replace(QUIET, provisioning=ProvisioningSeen(HARMLESS.digest, "failed", "AccessDenied"))
    assert decide(UNDER_WAY, before, given.NOW) == []
    assert f"apply {HARMLESS.digest}" in [str(one) for one in plan(UNDER_WAY, before, given.NOW)]


def test_an_apply_that_takes_too_long_blames_no_release() -> None:
    [aborted, *_] = decide(UNDER_WAY, seen_to("running"), given.NOW + timedelta(hours=1))
    assert isinstance(aborted, RolloutAborted)
    assert aborted.blameless


def test_an_apply_that_fails_blames_no_release() -> None:
    aborted = decide(UNDER_WAY, seen_to("failed", "AccessDenied"), given.NOW)[1]
    assert isinstance(aborted, RolloutAborted)
    assert aborted.blameless
    assert "the infrastructure could not be changed: AccessDenied" in aborted.why
