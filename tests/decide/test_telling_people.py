"""What people are told of approvals that end, of what was turned down, and of migrations that wait for somebody."""

from dataclasses import replace
from typing import Any

import pytest
from tests.decide.given import CANARY, NOW, V1, V2, request, rollout, state
from tests.decide.test_migrating import CONTRACT, EXPAND, carrying
from tests.decide.test_telling import RELEASES, ROL, TWO, WAITING, past, recorded, told

from headgate.decide.exact_set import exact_set
from headgate.decide.rules import EXPIRED
from headgate.decide.telling import notices
from headgate.decide.told import Around
from headgate.model import events as e
from headgate.model.approvals import Approval, ApprovalWithdrawn, LinkRefused, ReleaseTurnedDown
from headgate.model.notices import Notice
from headgate.model.people import Person
from headgate.model.reverts import CommitReverted
from headgate.model.rollouts import EnvironmentState, MigrationRun
from headgate.model.rules import Application, Environment
from headgate.model.schema import DataRestored, MigrationEnded

RULES = replace(CANARY, gates=(TWO,))
APPLIED = e.SpecificationApplied(Application("pcw", "/repositories/pcw", "headgate.yaml", (RULES,)), "carol")


def approved(by: str = "bob", rules: Environment = RULES, now: EnvironmentState = WAITING) -> EnvironmentState:
    """As it stood when somebody said yes by these rules."""
    shown = exact_set(request(V2), now, rules)
    return replace(now, approvals=(Approval(V2.release, by, NOW, shown),))


def applied(now: EnvironmentState, rules: Environment, name: str = "production") -> tuple[Notice, ...]:
    event = recorded(APPLIED, stream="application:pcw")
    return notices(event, Around("pcw", name, now, rules, releases=RELEASES))


def test_who_approved_under_another_name_is_not_asked_again() -> None:
    rules = replace(RULES, people=(Person("bob", ("Robert", "bob@example.org")),))
    asked = e.ReleaseRequested(V2, request(V2).rollout, "deploy", "carol", "it is time")
    waits = next(one for one in told(asked, state=approved("Robert", rules), rules=rules) if one.kind == "waiting")
    assert waits.people == ("alice",)


def test_new_rules_that_end_approvals_ask_again_and_say_why() -> None:
    other = replace(RULES, bake=RULES.bake * 2)
    (notice,) = applied(approved(), other)
    assert (notice.kind, notice.standing, notice.people) == ("waiting", True, ("alice", "bob"))
    assert notice.why == "the rules changed: approvals of bob are void"
    assert notice.act == "`headgate approve production`"
    assert applied(approved(), RULES) == ()  # the same rules end nothing
    assert applied(WAITING, other) == ()  # nobody had approved
    assert applied(approved(), replace(other, gates=())) == ()  # nobody has to any more


def test_each_environment_is_told_under_an_id_of_its_own() -> None:
    other = replace(RULES, bake=RULES.bake * 2)
    first, second = applied(approved(), other), applied(approved(), other, "qa")
    assert first[0].id != second[0].id


def test_what_became_stable_in_front_of_it_ends_approvals_too() -> None:
    now = replace(approved(), stable=V2)
    kinds = {one.kind: one for one in told(e.RevisionPromoted(ROL, V2.id, NOW, "passed"), state=now, rules=RULES)}
    assert kinds["waiting"].why == "what is stable here changed: approvals of bob are void"


def test_a_withdrawn_approval_asks_again() -> None:
    (notice,) = told(ApprovalWithdrawn(V2.release, "bob", "I had not seen it", ("bob",)), state=WAITING, rules=RULES)
    assert (notice.kind, notice.why) == ("waiting", "bob withdrew an approval: I had not seen it")
    assert told(ApprovalWithdrawn(V2.release, "bob", "", ("bob",)), state=state(), rules=RULES) == ()


def test_what_is_turned_down_or_nobody_answers_is_told() -> None:
    (notice,) = told(ReleaseTurnedDown(V2.release, "alice", "too slow"))
    assert (notice.kind, notice.what) == ("rejected", "v2 was rejected in production by alice: it will not start")
    late = told(e.ReleaseDropped(V2.release, f"{EXPIRED}0 of 2 approvals within 7 d"))
    assert [one.kind for one in late] == ["dropped", "rejected"]
    assert [one.kind for one in told(e.ReleaseDropped(V2.release, "it is stable here already"))] == ["dropped"]


def test_a_link_that_is_used_again_is_told() -> None:
    (notice,) = told(LinkRefused("lnk_1", "alice", "approve", "that was given", "link lnk_1 192.0.2.7"))
    assert (notice.kind, notice.severity) == ("misuse", "trouble")
    assert "192.0.2.7" in notice.why


ON_REQUEST = replace(CANARY, contract="on-request")
ENDED = MigrationEnded("web", 8, 1, "failed", "the table is locked")


def ran(rollout_id: Any = None, attempt: int = 1) -> EnvironmentState:
    return replace(state(), migrations=(MigrationRun("web", CONTRACT, attempt, V2, rollout_id, NOW),))


@pytest.mark.parametrize(
    ("event", "severity", "what"),
    [
        (ENDED, "trouble", "contract migration 8 of web in production failed"),
        (replace(ENDED, outcome="passed", why=""), "info", "contract migration 8 of web in production has run"),
    ],
    ids=["failed", "passed"],
)
def test_what_became_of_a_contract_migration(event: MigrationEnded, severity: str, what: str) -> None:
    (notice,) = told(event, state=ran())
    assert (notice.kind, notice.severity, notice.what) == ("migration", severity, what)
    assert notice.why
    assert told(event, state=ran(ROL)) == ()  # of a rollout, which aborts or goes on
    assert told(event, state=ran(attempt=2)) == ()  # it was begun again since


def test_one_that_waits_for_somebody_is_told_when_it_may_come() -> None:
    bearing = replace(state(past=(past(),)), stable=carrying(V2, EXPAND, CONTRACT))
    event = e.RevisionPromoted(ROL, V2.id, NOW, "passed")
    kinds = {one.kind: one for one in told(event, state=bearing, rules=ON_REQUEST)}
    assert kinds["migration"].act == "`headgate migrate production`"
    assert kinds["migration"].standing
    assert [one.kind for one in told(event, state=bearing, rules=CANARY)] == ["promoted"]  # it begins by itself
    (restored,) = told(DataRestored("web", 6, "ann", "a bad import"), state=state(rollout("weight 5"), V1))
    assert (restored.kind, restored.why) == ("migration", "a bad import")


REVERTS = [("pushed", "attention"), ("conflict", "trouble"), ("failed", "trouble")]


@pytest.mark.parametrize(("outcome", "severity"), REVERTS)
def test_a_revert_is_for_somebody_to_merge_or_to_make(outcome: Any, severity: str) -> None:
    (notice,) = told(CommitReverted(V2.release, "headgate/revert-v2", outcome, "one commit"), environment="")
    assert (notice.kind, notice.severity) == ("reverted", severity)
    assert notice.act
    assert told(CommitReverted(V2.release, "main", "nothing", "undone already"), environment="") == ()
