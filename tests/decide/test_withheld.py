"""Secrets that cannot be read as a candidate starts: waited for, and nothing against the release."""

from dataclasses import replace

import pytest
from tests.decide.given import NOW, V2, ago, rollout, routes, seen, state

from headgate.decide.fold import apply
from headgate.decide.rules import decide
from headgate.model import events as e
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState

ROUTES = routes({"v1": 100})
NOTHING = seen({"v1": "ready ready"}, ROUTES)
STARTED = seen({"v1": "ready ready", "v2": "starting starting"}, ROUTES)
AWAY = "secret shop/db cannot be read: connection refused"
STARTING = rollout("start")


def failing(times: int, withheld: bool = True, hopeless: bool = False, late: bool = False) -> EnvironmentState:
    flight = replace(STARTING, step_started_at=ago(121)) if late else STARTING
    return apply(e.EffectFailed("run rev_v2", AWAY, times, hopeless, withheld), state(flight), NOW)


CASES = {
    "away for a moment": (failing(5), NOTHING, None),
    "away for long": (failing(40), NOTHING, None),
    "another trouble": (failing(5, withheld=False), NOTHING, "blamed"),
    "its version is gone": (failing(5, hopeless=True), NOTHING, "blameless"),
    "away until its time is up": (failing(9, late=True), NOTHING, "blameless"),
    "away once, but it was started since": (failing(2, late=True), replace(STARTED), "blamed"),
}


@pytest.mark.parametrize(("where", "look", "expected"), CASES.values(), ids=CASES)
def test_what_becomes_of_it(where: EnvironmentState, look: Seen, expected: str | None) -> None:
    if expected and look is not NOTHING:
        assert where.rollout is not None
        where = replace(where, rollout=replace(rollout("await ready"), step_started_at=ago(121)))
    events = decide(where, look, NOW)
    if expected is None:
        assert not [one for one in events if isinstance(one, e.RolloutAborted)]
        return
    [aborted, *_] = events
    assert isinstance(aborted, e.RolloutAborted)
    assert aborted.blameless == (expected == "blameless")
    assert (AWAY in aborted.why) == (look is NOTHING)
    assert (V2.release in apply(aborted, where, NOW).refused) == (expected == "blamed")


def test_a_new_configuration_of_what_is_stable_is_put_back() -> None:
    """It would be asked for again at once otherwise; of the release nothing is said in any case."""
    stable = replace(V2, id="rev_before", configuration="cfg_1")  # type: ignore[arg-type]
    late = replace(failing(9, late=True), stable=stable)
    assert late.rollout is not None
    late = replace(late, rollout=replace(late.rollout, revision=replace(V2, configuration="cfg_2")))
    [aborted, *_] = decide(late, NOTHING, NOW)
    after = apply(aborted, late, NOW)
    assert (dict(after.refused), list(after.refused_configurations)) == ({}, ["cfg_2"])
