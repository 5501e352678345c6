"""Migrations as data: what begins, what waits and why, and what becomes of a rollout whose migration fails."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.decide.given import (
    CANARY,
    NOW,
    PRODUCTION,
    V0,
    V1,
    V2,
    ago,
    request,
    rollout,
    routes,
    seconds,
    seen,
    state,
    told,
)
from tests.decide.test_sentinel import HOURS, monitored

from headgate.decide import migrating
from headgate.decide.accept import accept
from headgate.decide.explain import waits_for
from headgate.decide.fold import apply, empty
from headgate.decide.plan import plan
from headgate.decide.rules import decide
from headgate.decide.starting import start
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.checks import JobSeen
from headgate.model.freezes import Freeze
from headgate.model.ids import JobId
from headgate.model.migrations import Migration
from headgate.model.observations import Instance, Seen
from headgate.model.people import Person
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, MigrationRun, Rollout
from headgate.model.rules import FreezeGate
from headgate.model.schema import DataRestored, MigrationEnded, MigrationStarted
from headgate.model.services import Value
from headgate.model.steps import Migrate, describe

EXPAND, CONTRACT = Migration(7, "expand it", "expand"), Migration(8, "contract it", "contract")
HOME = routes({"v2": 100})


def carrying(revision: Revision, *migrations: Migration) -> Revision:
    return replace(revision, services=tuple(replace(one, migrations=migrations) for one in revision.services))


NEW = carrying(V2, EXPAND, CONTRACT)
OLD = carrying(V1, EXPAND)


def run(migration: Migration, condition: Any = "passed", by: Revision = NEW, **more: Any) -> MigrationRun:
    return replace(MigrationRun("web", migration, 1, by, None, ago(60), condition), **more)


def flight(condition: Any = None, phase: Any = "running", **more: Any) -> EnvironmentState:
    """A rollout of NEW beside OLD that has come to its expand migration."""
    steps = start(state(stable=OLD), CANARY, request(NEW)).steps
    there: Rollout = replace(rollout("start", NEW), steps=steps, position=0, phase=phase)
    runs = (run(EXPAND, condition, rollout=there.id),) if condition else ()
    return state(there, stable=OLD, **{"migrations": runs, **more})


def alone(*runs: MigrationRun, **more: Any) -> EnvironmentState:
    """NEW is stable, and nothing is in flight."""
    return state(stable=NEW, **{"migrations": (run(EXPAND), *runs), **more})


def saw(condition: Any, level: int = 7, attempt: int = 1, detail: str = "") -> Seen:
    job = JobSeen(JobId(f"migration-web-{level}-{attempt}"), condition, detail)
    return seen({"v1": "ready ready"}, routes({"v1": 100}), jobs=(job,))


OF_OLD = seen({"v1": "ready ready"}, routes({"v1": 100}))
QUIET = seen({"v2": "ready ready"}, HOME)
BOTH_UP = seen({"v2": "ready ready", "v1": "ready"}, HOME)
FROZEN = Freeze("ann", "the sale", NOW)
START = seconds((NOW.weekday() * 24 + NOW.hour) * 3600)
WEEKLY = replace(CANARY, gates=(FreezeGate(START, START + seconds(3600), "UTC"),))
STUCK = e.EffectFailed("migrate web 7 (migration-web-7-1) of rev_v2", "no disk", 5)

# What is, what is seen -> which events follow.
CASES: dict[str, tuple[EnvironmentState, Seen, list[str]]] = {
    "the step begins it": (flight(), OF_OLD, ["MigrationStarted"]),
    "paused, it does not begin": (flight(phase="paused"), OF_OLD, []),
    "it runs": (flight("running"), saw("running"), []),
    "it runs and cannot be seen": (flight("running"), seen(None, "blind"), []),
    "it passed": (flight("running"), saw("passed"), ["MigrationEnded", "StepCompleted 0"]),
    "it failed": (flight("running"), saw("failed"), ["MigrationEnded", "RolloutAborted by headgate"]),
    "it was lost": (flight("running"), saw("lost"), ["MigrationEnded", "RolloutAborted by headgate"]),
    "it passed in an earlier rollout": (flight(None, migrations=(run(EXPAND),)), OF_OLD, ["StepCompleted 0"]),
    "it failed in another rollout": (flight(None, migrations=(run(EXPAND, "failed"),)), OF_OLD, ["MigrationStarted"]),
    "another runs": (flight(None, migrations=(run(CONTRACT, "running"),)), OF_OLD, []),
    "a contract one begins by itself": (alone(), QUIET, ["MigrationStarted"]),
    "not once more": (alone(run(CONTRACT)), QUIET, []),
    "not while one is left": (alone(), BOTH_UP, []),
    "not blindly": (alone(), seen(None, HOME), []),
    "not when something is hidden": (alone(), replace(QUIET, unknown=("host 10.0.0.5 is away",)), []),
    "not while warm": (alone(previous=OLD, warm_until=NOW + seconds(1)), QUIET, []),
    "once cold": (alone(previous=OLD, warm_until=NOW), QUIET, ["MigrationStarted"]),
    "not frozen": (alone(freeze=FROZEN), QUIET, []),
    "not in a weekly freeze": (alone(), replace(QUIET, rules=WEEKLY), []),
    "not of a quarantined release": (alone(), replace(QUIET, quarantined={V2.release: "bad"}), []),
    "not on request": (alone(), replace(QUIET, rules=replace(CANARY, contract="on-request")), []),
    "not again after it failed": (alone(run(CONTRACT, "failed")), QUIET, []),
    "not again after a restore": (alone(run(CONTRACT, "undone")), QUIET, []),
    "not without rules": (alone(), replace(QUIET, rules=None), []),
    "it ends between rollouts": (alone(run(CONTRACT, "running")), saw("passed", 8), ["MigrationEnded"]),
}


@pytest.mark.parametrize(("now_state", "look", "follows"), CASES.values(), ids=CASES)
def test_what_follows(now_state: EnvironmentState, look: Seen, follows: list[str]) -> None:
    assert [told(event) for event in decide(now_state, look, NOW)][: len(follows) or None] == follows


def test_one_that_cannot_be_started_ends_as_failed() -> None:
    here = apply(STUCK, flight("running"), NOW)
    ended = decide(here, OF_OLD, NOW)[0]
    assert isinstance(ended, MigrationEnded)
    assert ended.why == "it could not be started: no disk"
    assert decide(here, seen(None, "blind"), NOW)[0] != ended, "it may run, where nothing can be seen"


@pytest.mark.parametrize(
    ("here", "look", "blamed"),
    [
        (flight("running"), saw("failed"), True),
        (flight("running"), saw("lost"), False),
        (apply(STUCK, flight("running"), NOW), OF_OLD, True),
        (apply(replace(STUCK, away=True), flight("running"), NOW), OF_OLD, False),
    ],
)
def test_whom_a_migration_that_ended_badly_blames(here: EnvironmentState, look: Seen, blamed: bool) -> None:
    aborted = decide(here, look, NOW)[1]
    assert isinstance(aborted, e.RolloutAborted)
    assert aborted.blameless != blamed


def test_the_steps_of_a_release_are_what_has_not_run_here() -> None:
    def begun(here: EnvironmentState, wanted: Revision = NEW) -> list[str]:
        return [describe(step) for step in start(here, CANARY, request(wanted)).steps if isinstance(step, Migrate)]

    assert begun(state(stable=OLD)) == ["migrate web 7"]
    assert begun(state(stable=OLD, migrations=(run(EXPAND),))) == []
    assert begun(empty(PRODUCTION)) == ["migrate web 7", "migrate web 8"], "nobody needs the old data"
    assert begun(state(stable=V1), V2) == []


def test_the_candidate_runs_only_after_it() -> None:
    assert [str(effect) for effect in plan(flight("running"), OF_OLD, NOW)] == [
        "migrate web 7 (migration-web-7-1) of rev_v2"
    ]
    assert [str(effect) for effect in plan(flight("running"), saw("running"), NOW)] == []
    done = apply(e.StepCompleted(flight().rollout.id, 0, ""), flight("passed"), NOW)  # type: ignore[union-attr]
    assert "run rev_v2" in [str(effect) for effect in plan(done, OF_OLD, NOW)]


def test_not_while_the_stable_is_monitored() -> None:
    """Its own look back needs what it takes away."""
    watched = replace(monitored(), stable=NEW, previous=None, warm_until=None, migrations=(run(EXPAND),))
    look = replace(QUIET, rules=replace(CANARY, monitor=HOURS))
    assert "MigrationStarted" not in [told(one) for one in decide(watched, look, NOW)]
    assert migrating.hindered(watched, look, NOW).startswith("v2 is monitored until")
    answer = accept(c.Migrate("bob"), watched, look, NOW)
    assert isinstance(answer, c.Refused)


def test_what_has_begun_is_seen_to_its_end_though_its_rollout_is_aborted() -> None:
    aborting = flight("running", phase="aborting")
    assert "migrate web 7 (migration-web-7-1) of rev_v2" in [str(one) for one in plan(aborting, OF_OLD, NOW)]
    assert told(decide(aborting, saw("passed"), NOW)[0]) == "MigrationEnded"


def test_nobody_promotes_past_it() -> None:
    answer = accept(c.Promote("bob"), flight("running"), seen({"v1": "ready", "v2": "ready ready"}), NOW)
    assert isinstance(answer, c.Refused)
    assert "migration" in answer.why


@pytest.mark.parametrize(
    ("here", "look", "word"),
    [
        (alone(), QUIET, ""),
        (alone(run(CONTRACT, "failed", why="no room")), QUIET, ""),
        (alone(), replace(QUIET, rules=replace(CANARY, contract="on-request")), ""),
        (alone(run(CONTRACT)), QUIET, "no contract migration is due"),
        (alone(), BOTH_UP, "1 instances of rev_v1"),
        (alone(previous=OLD, warm_until=NOW + seconds(60)), QUIET, "v1 is kept warm until 2026-03-02 12:01 UTC"),
        (alone(freeze=FROZEN), QUIET, "frozen by ann"),
        (alone(run(CONTRACT, "running")), QUIET, "migration 8 of web is running"),
        (flight(), OF_OLD, "no contract migration is due"),
    ],
)
def test_a_person_asks_for_it(here: EnvironmentState, look: Seen, word: str) -> None:
    answer = accept(c.Migrate("bob"), here, look, NOW)
    assert word in (answer.why if isinstance(answer, c.Refused) else "")
    if not word:
        assert not isinstance(answer, c.Refused)
        [begun] = answer
        assert isinstance(begun, MigrationStarted)
        assert (begun.by, begun.migration, begun.rollout) == ("bob", CONTRACT, None)
        assert begun.attempt == len([one for one in here.migrations if one.migration == CONTRACT]) + 1


@pytest.mark.parametrize(
    ("asked", "named", "word"),
    [
        (c.Migrate("bob", "last night's", ("web", 7)), ("bob",), ""),
        (c.Migrate("Bob", "last night's", ("web", 7)), ("bob@example.org",), ""),
        (c.Migrate("ann", "last night's", ("web", 7)), ("bob",), "bob may"),
        (c.Migrate("bob", "last night's", ("web", 7)), (), "break_glass"),
        (c.Migrate("bob", "", ("web", 7)), ("bob",), "--why"),
        (c.Migrate("bob", "x", ("web", 8)), ("bob",), "no migration of web above level 8"),
        (c.Migrate("bob", "x", ("api", 7)), ("bob",), "no migration of api"),
    ],
)
def test_who_may_say_that_data_were_restored(asked: c.Migrate, named: tuple[str, ...], word: str) -> None:
    people = (Person("bob", ("bob@example.org",)),)
    look = replace(QUIET, rules=replace(CANARY, break_glass=named, people=people))
    answer = accept(asked, alone(run(CONTRACT)), look, NOW)
    assert word in (answer.why if isinstance(answer, c.Refused) else "")
    assert (answer == [DataRestored("web", 7, asked.by, "last night's")]) == (not word)


def test_a_restore_undoes_what_is_above_it() -> None:
    here = apply(DataRestored("web", 7, "bob", "x"), alone(run(CONTRACT)), NOW)
    assert [(one.migration.level, one.state) for one in here.migrations] == [(7, "passed"), (8, "undone")]


@pytest.mark.parametrize(
    ("here", "look", "words"),
    [
        (alone(), BOTH_UP, ["contract migration 8 of web waits: 1 instances of rev_v1 are not gone yet"]),
        (alone(run(CONTRACT, "failed", why="no room")), QUIET, ["no room", "`headgate migrate production`"]),
        (alone(run(CONTRACT, "running")), QUIET, ["contract migration 8 of web runs, until 2026-03-02 12:09 UTC"]),
        (flight("running"), OF_OLD, ["step 1 of", "migrate web 7: migration 7 of web is running"]),
        (flight(None, migrations=(run(CONTRACT, "running"),)), OF_OLD, ["migration 8 of web is running"]),
    ],
)
def test_it_is_said_what_is_waited_for(here: EnvironmentState, look: Seen, words: Sequence[str]) -> None:
    whole = " | ".join(waits_for(here, look, NOW))
    assert all(word in whole for word in words), whole


def test_old_copies_of_a_first_release_hold_up_a_contract_step() -> None:
    """An aborted first candidate is not gone yet."""
    there = start(empty(PRODUCTION), CANARY, request(NEW))
    steps = there.steps[1:]
    here = state(replace(rollout("start", NEW, replaces=None), steps=steps, position=0), stable=None)
    old = Instance("v0-0", V0.id, "web", "127.0.0.1:1", "stopping")
    assert decide(here, replace(QUIET, instances=(old,)), NOW) == []
    assert told(decide(here, replace(QUIET, instances=()), NOW)[0]) == "MigrationStarted"


def test_its_order_is_the_same_each_time() -> None:
    known = run(EXPAND, "running", attempt=3)
    assert migrating.order(known).id == "migration-web-7-3"


def test_two_services_migrate_one_after_the_other() -> None:
    """By level, whichever service it is of; the second begins once the first has ended."""
    other = replace(V2.services[0], name="api", migrations=(Migration(3, "its own", "expand"),))
    both = replace(NEW, services=(*NEW.services, other))
    steps = start(state(stable=OLD), CANARY, request(both)).steps
    assert [describe(step) for step in steps[:3]] == ["migrate api 3", "migrate web 7", "start"]
    there = replace(rollout("start", both), steps=steps, position=0)
    begun = decide(state(there, stable=OLD), OF_OLD, NOW)
    assert [(one.service, one.migration.level) for one in begun if isinstance(one, MigrationStarted)] == [("api", 3)]
    ended = JobSeen(JobId("migration-api-3-1"), "passed")
    first = replace(run(EXPAND, "running"), service="api", migration=other.migrations[0])
    here = state(there, stable=OLD, migrations=(first,))
    names = [told(one) for one in decide(here, replace(OF_OLD, jobs=(ended,)), NOW)]
    assert names == ["MigrationEnded", "StepCompleted 0", "MigrationStarted"]


BACK = rollout("weight 100", candidate=V1, kind="rollback", replaces=V2.id)


def test_a_freeze_holds_up_no_rollback_and_every_contract_migration() -> None:
    frozen = state(BACK, stable=NEW, freeze=FROZEN, migrations=(run(EXPAND),))
    there = seen({"v2": "ready ready", "v1": "ready ready"}, routes({"v1": 100}))
    assert [told(one) for one in decide(frozen, there, NOW)][:1] == ["StepCompleted 2"]
    assert "has to end first" in migrating.hindered(frozen, there, NOW)


@pytest.mark.parametrize("condition", ["running", "failed", "passed"])
def test_going_back_while_a_contract_migration_runs_is_going_back_past_it(condition: Any) -> None:
    answer = accept(c.Rollback(BACK.id, "bob"), alone(run(CONTRACT, condition), previous=OLD), QUIET, NOW)
    assert isinstance(answer, c.Refused)
    assert "contract migration 8 of v2 began here" in answer.why


def test_going_back_in_an_expand_migration_leaves_it_to_its_end() -> None:
    answer = accept(c.Rollback(BACK.id, "bob"), flight("running"), OF_OLD, NOW)
    assert not isinstance(answer, c.Refused)
    assert [told(one) for one in answer] == ["RolloutAborted by bob"]
    aborting = apply(answer[0], flight("running"), NOW)
    assert migrating.running(aborting) is not None
    done = flight(None, migrations=(run(EXPAND, rollout=None),))
    assert told(decide(done, OF_OLD, NOW)[0]) == "StepCompleted 0", "the next one that needs it finds it done"


def test_what_is_gone_back_to_is_what_was_recorded() -> None:
    """Not a revision composed anew of today's file: replicas, variables and versions of secrets are those of then."""
    service = replace(V1.services[0], replicas=7, env={"LEVEL": Value("plain", "old")})
    then = replace(V1, services=(service,), secret_versions={"shop/db": "3"}, configuration="cfg_then")
    answer = accept(c.Rollback(BACK.id, "bob"), state(stable=V2, previous=then), QUIET, NOW)
    assert not isinstance(answer, c.Refused)
    assert isinstance(answer[-1], e.RolloutStarted)
    assert answer[-1].revision == then
