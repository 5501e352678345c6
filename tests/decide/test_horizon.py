"""The rollback horizon: what may still run on the data that are here, whoever asks; and whom an abort blames."""

from dataclasses import replace
from typing import Any

import pytest
from tests.decide.given import CANARY, NOW, V0, V1, V2, V3, ago, request, rollout, routes, seen, state, told
from tests.decide.test_migrating import CONTRACT, EXPAND, carrying, run

from headgate.decide.accept import accept
from headgate.decide.fold import apply
from headgate.decide.going_back import GoingBack, way_back
from headgate.decide.horizon import horizon, past_horizon
from headgate.decide.rules import decide
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import RolloutId
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Past

EARLY, OLD = carrying(V0), carrying(V1, EXPAND)
NEW, NEWER = carrying(V2, EXPAND, CONTRACT), carrying(V3, CONTRACT)
LOOK = seen({"v3": "ready ready"}, routes({"v3": 100}))


def past(revision: Revision) -> Past:
    return Past(RolloutId(f"rol_{revision.label}"), "deploy", revision, "promoted", ago(900), ago(800), "")


def here(*runs: Any, **more: Any) -> EnvironmentState:
    """v0, v1 and v2 were stable, v3 is."""
    walked = (past(EARLY), past(OLD), past(NEW), past(NEWER))
    return state(stable=NEWER, **{"past": walked, "previous": NEW, "migrations": runs, **more})


RAN = here(run(EXPAND), run(CONTRACT))


@pytest.mark.parametrize(
    ("revision", "where", "refused"),
    [
        (OLD, RAN, True),
        (EARLY, RAN, True),
        (NEW, RAN, False),
        (NEWER, RAN, False),
        (OLD, here(run(EXPAND)), False),
        (OLD, here(run(CONTRACT, "running")), True),
        (OLD, here(run(CONTRACT, "failed")), True),
        (OLD, here(run(CONTRACT, "undone")), False),
        (replace(OLD, services=(replace(OLD.services[0], name="api"),)), RAN, False),
    ],
)
def test_whose_code_can_use_the_data(revision: Revision, where: EnvironmentState, refused: bool) -> None:
    assert bool(past_horizon(revision, where)) == refused


def test_the_reason_says_what_to_do() -> None:
    why = past_horizon(OLD, RAN)
    assert why.startswith("v1 is made for level 7 of the data of web, and contract migration 8 of v2 began here on")
    assert "; roll forward, or restore" in why
    assert "`headgate migrate production --restored web/7 --why TEXT`" in why


@pytest.mark.parametrize(
    ("where", "quarantined", "label", "word"),
    [
        (here(), (), "v0", ""),
        (RAN, (), "v2", "v1 is made for level 7"),
        (RAN, (V2.release,), None, "v1 is made for level 7"),
        (here(), (V0.release,), "v1", ""),
        (here(past=(past(NEWER),), previous=None), (), None, ""),
    ],
)
def test_how_far_back(where: EnvironmentState, quarantined: Any, label: str | None, word: str) -> None:
    found = horizon(where, quarantined)
    assert (found.back_to.label if found.back_to else None) == label
    assert found.why.startswith(word)
    assert bool(found.why) == bool(word)


@pytest.mark.parametrize(
    ("to", "where", "quarantined", "goes"),
    [
        (None, RAN, {}, "v2"),
        ("v2", RAN, {}, "v2"),
        ("v1", RAN, {}, "contract migration 8"),
        ("v1", here(), {}, "v1"),
        (None, RAN, {V2.release: "it burned"}, "contract migration 8"),
        ("v2", RAN, {V2.release: "it burned"}, "`headgate lift v2`"),
        ("v1", here(), {V1.release: "it burned"}, "v1 is quarantined (it burned)"),
        (None, here(), {V2.release: "x", V1.release: "y"}, "v0"),
    ],
)
def test_one_rule_for_every_way_back(to: str | None, where: EnvironmentState, quarantined: Any, goes: str) -> None:
    """The sentinel asks the same function as a person."""
    look = replace(LOOK, quarantined=quarantined)
    person = accept(c.Rollback(RolloutId("rol_9"), "bob", to), where, look, NOW)
    itself = way_back(GoingBack(RolloutId("rol_9"), "headgate", "worse", to), where, look)
    if isinstance(person, c.Refused):
        assert isinstance(itself, c.Refused)
        assert goes in person.why
        assert itself.why == person.why
    else:
        assert isinstance(itself, Revision)
        assert itself.label == goes
        assert told(person[-1]) == f"RolloutStarted rollback {goes}"


def test_an_older_release_is_not_deployed_either() -> None:
    answer = accept(c.Deploy(OLD, RolloutId("rol_9"), "bob"), RAN, LOOK, NOW)
    assert isinstance(answer, c.Refused)
    assert "contract migration 8" in answer.why


def test_one_that_waits_while_the_data_move_on_is_dropped() -> None:
    waits = replace(RAN, waiting=request(OLD))
    assert [told(event) for event in decide(waits, LOOK, NOW)] == [f"ReleaseDropped {V1.release}"]


@pytest.mark.parametrize(
    ("look", "blamed"),
    [
        (seen(None, "blind"), False),
        (seen(None, routes({"v1": 100})), False),
        (seen({"v1": "ready ready"}, "blind"), False),
        (seen({"v1": "ready ready", "v2": "starting"}, routes({"v1": 100})), True),
    ],
)
def test_who_could_not_be_seen_is_not_blamed(look: Any, blamed: bool) -> None:
    """The platform or the router was away until the step's time was up: nothing is quarantined for that."""
    late = replace(rollout("await ready"), step_started_at=ago(121))
    [aborted, *_] = decide(state(late), look, NOW)
    assert isinstance(aborted, e.RolloutAborted)
    assert aborted.blameless != blamed
    after = apply(aborted, state(late), NOW)
    assert (V2.release in after.refused) == blamed


def test_effects_that_fail_in_a_world_that_is_away_blame_nobody() -> None:
    failing = apply(e.EffectFailed("run rev_v2", "docker is away", 5), state(rollout("start")), NOW)
    for look, blamed in ((seen(None, "blind"), False), (seen({"v1": "ready ready"}, routes({"v1": 100})), True)):
        [aborted, *_] = decide(failing, look, NOW)
        assert isinstance(aborted, e.RolloutAborted)
        assert aborted.blameless != blamed


AWAY = e.EffectFailed("run rev_v2", "secret vault:shop/db cannot be read: connection refused", 5, away=True)
UP = seen({"v1": "ready ready"}, routes({"v1": 100}))


@pytest.mark.parametrize(
    ("failure", "blamed"), [(AWAY, False), (replace(AWAY, away=False), True)]
)
def test_a_secret_store_or_registry_that_is_away_is_no_fault_of_the_release(failure: Any, blamed: bool) -> None:
    """Nor is a version that the store keeps no more, for which nobody waits."""
    [aborted, *_] = decide(apply(replace(failure, hopeless=True), state(rollout("start")), NOW), UP, NOW)
    assert isinstance(aborted, e.RolloutAborted)
    assert aborted.blameless != blamed
    assert ("nothing is held against v2" in aborted.why) != blamed


def test_it_is_waited_for_until_the_steps_time_is_up() -> None:
    for attempt in (5, 40):
        waiting = apply(replace(AWAY, attempt=attempt), state(rollout("start")), NOW)
        assert not [one for one in decide(waiting, UP, NOW) if isinstance(one, e.RolloutAborted)]


def test_another_configuration_of_what_is_stable_is_put_back_all_the_same() -> None:
    """It would be asked for anew at once, for ever; of the release nothing is said in any case."""
    late = replace(rollout("start"), revision=replace(V2, configuration="cfg_2"), step_started_at=ago(121))
    here = state(late, stable=replace(V2, id="rev_before", configuration="cfg_1"))
    here = apply(replace(AWAY, attempt=9), here, NOW)
    [aborted, *_] = decide(here, UP, NOW)
    after = apply(aborted, here, NOW)
    assert isinstance(aborted, e.RolloutAborted)
    assert "connection refused" in aborted.why
    assert (dict(after.refused), list(after.refused_configurations)) == ({}, ["cfg_2"])


@pytest.mark.parametrize(("ago_", "blamed"), [(20, False), (100, True)])
def test_so_is_a_step_that_took_too_long_for_that(ago_: int, blamed: bool) -> None:
    late = replace(rollout("start"), step_started_at=ago(121))
    [aborted, *_] = decide(apply(replace(AWAY, attempt=2), state(late), ago(ago_)), UP, NOW)
    assert isinstance(aborted, e.RolloutAborted)
    assert aborted.blameless != blamed


def test_rules_of_the_file_do_not_say_how_far_back() -> None:
    """What a release is made for is its own; that nobody goes past it is nobody's to switch off."""
    assert isinstance(
        accept(c.Deploy(OLD, RolloutId("rol_9"), "bob", "it burns", break_glass=True), RAN,
               replace(LOOK, rules=replace(CANARY, break_glass=("bob",))), NOW), c.Refused)  # fmt: skip
