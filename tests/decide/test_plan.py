"""What the world should look like, with and without a rollout in flight: differences only, in a safe order."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from tests.decide.given import (
    ALL_AT_ONCE,
    BLUE_GREEN,
    BOTH,
    CANARY,
    NOW,
    V0,
    V1,
    V2,
    ago,
    instances,
    job,
    rollout,
    routes,
    seconds,
    seen,
    state,
    steps_of,
    turn,
)

from headgate.decide.plan import plan, wanted
from headgate.model.checks import Check, CheckKind, When
from headgate.model.clusters import Drift
from headgate.model.observations import Instance, Seen
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Audience, Environment, Strategy

STABLE = {"v1": "ready ready"}
ON_V1 = routes({"v1": 100})
IDLE = state()
WARM = state(previous=V0, warm_until=NOW + seconds(60))
COLD = state(previous=V0, warm_until=ago(1))
ABORTING = state(rollout("analyze", phase="aborting"), draining_since=ago(1))
LONG_ABORTING = replace(ABORTING, draining_since=ago(31))
RETIRING = state(rollout("retire", phase="retiring", replaces=V1.id), stable=V2, previous=V1, warm_until=ago(1))
CHANGED = Drift(V1.id, "Deployment web-v1: replicas is 5, made as 2")
TOLD = replace(CHANGED, heal=False)
OTHERS = replace(CHANGED, revision=V0.id)
ALONE = routes({"v1": 100}, ports={"v1": [0]})


@dataclass(frozen=True)
class Case:
    id: str
    state: EnvironmentState
    seen: Seen
    effects: list[str]


DRIFT = [
    Case("nothing to do", IDLE, seen(STABLE, ON_V1), []),
    Case("an instance is missing", IDLE, seen({"v1": "ready"}, routes({"v1": 100}, ports={"v1": [0]})), ["run rev_v1"]),
    Case(
        "an instance died: it leaves the routes and is started again",
        IDLE,
        seen({"v1": "ready exited"}, ON_V1),
        ["run rev_v1", "set routes (rev_v1 100)"],
    ),
    Case(
        "all instances died: started again, and the routes are left as they are",
        IDLE,
        seen({"v1": "exited exited"}, ON_V1),
        ["run rev_v1"],
    ),
    Case(
        "an instance is draining on its own: replaced",
        IDLE,
        seen({"v1": "ready stopping"}, ON_V1),
        ["run rev_v1", "set routes (rev_v1 100)"],
    ),
    Case("a revision that nobody asked for", IDLE, seen({"v3": "ready", **STABLE}, ON_V1), ["stop rev_v3"]),
    Case("one that is stopping already is not told again", IDLE, seen({"v3": "stopping", **STABLE}, ON_V1), []),
    Case("what died of it is cleared away too", IDLE, seen({"v3": "exited", **STABLE}, ON_V1), ["stop rev_v3"]),
    Case(
        "routes changed by hand to a stranger: shifted back before it is stopped",
        IDLE,
        seen({"v3": "ready ready", **STABLE}, routes({"v3": 100})),
        ["set routes (rev_v1 100, rev_v3 0)"],
    ),
    Case(
        "a stranger without traffic leaves the routes before it is stopped",
        IDLE,
        seen({"v3": "ready ready", **STABLE}, routes({"v1": 100, "v3": 0})),
        ["set routes (rev_v1 100)"],
    ),
    Case("the router forgot everything", IDLE, seen(STABLE, None), ["set routes (rev_v1 100)"]),
    Case(
        "weights changed by hand",
        WARM,
        seen({"v0": "ready ready", **STABLE}, routes({"v0": 50, "v1": 50})),
        ["set routes (rev_v1 100, rev_v0 0)"],
    ),
    Case("an environment in which nothing was ever released", state(stable=None), seen({}, None), []),
    Case("an instance of no release", state(stable=None), seen({"v3": "ready"}, None), ["stop rev_v3"]),
    Case("what was made was changed: made again", IDLE, seen(STABLE, ON_V1, drift=(CHANGED,)), ["run rev_v1"]),
    Case("what goes anyway is not made again", IDLE, seen(STABLE, ON_V1, drift=(OTHERS,)), []),
    Case("drift that is only told is left, whatever it took", IDLE, seen({"v1": "ready"}, ALONE, drift=(TOLD,)), []),
]

BLIND = [
    Case("no platform: nothing is started, shifted or stopped", IDLE, seen(None, routes({"v3": 100})), []),
    Case("no router: nothing is stopped", IDLE, seen({"v3": "ready", **STABLE}), []),
    Case("no router: what is missing is started", IDLE, seen({"v1": "ready"}), ["run rev_v1"]),
    Case("no platform: an abort shifts nothing either", ABORTING, seen(None, routes({"v2": 5, "v1": 95})), []),
]

WARMTH = [
    Case("kept warm: started when it is missing", WARM, seen(STABLE, ON_V1), ["run rev_v0"]),
    Case(
        "kept warm: named with no weight",
        WARM,
        seen({"v0": "ready ready", **STABLE}, ON_V1),
        ["set routes (rev_v1 100, rev_v0 0)"],
    ),
    Case(
        "no longer warm: leaves the routes first",
        COLD,
        seen({"v0": "ready ready", **STABLE}, routes({"v1": 100, "v0": 0})),
        ["set routes (rev_v1 100)"],
    ),
    Case("no longer warm: then it is stopped", COLD, seen({"v0": "ready ready", **STABLE}, ON_V1), ["stop rev_v0"]),
]

DRAINING = [
    Case(
        "an abort: the candidate keeps its name in the routes, with no weight",
        ABORTING,
        seen(BOTH, routes({"v2": 5, "v1": 95}, "v2")),
        ["set routes (rev_v1 100, rev_v2 0)"],
    ),
    Case(
        "while its last requests are answered it stays",
        ABORTING,
        seen(BOTH, routes({"v1": 100, "v2": 0}), busy=["v2"]),
        [],
    ),
    Case(
        "once they are answered it goes",
        ABORTING,
        seen(BOTH, routes({"v1": 100, "v2": 0})),
        ["set routes (rev_v1 100)"],
    ),
    Case(
        "after the drain limit it goes whatever is open",
        LONG_ABORTING,
        seen(BOTH, routes({"v1": 100, "v2": 0}), busy=["v2"]),
        ["set routes (rev_v1 100)"],
    ),
    Case("and only then is it stopped", ABORTING, seen(BOTH, ON_V1), ["stop rev_v2"]),
    Case(
        "an abort while stable is not ready: whoever serves goes on",
        ABORTING,
        seen({"v2": "ready ready", "v1": "starting starting"}, routes({"v2": 100}, "v2")),
        [],
    ),
    Case(
        "retiring: the old one drains",
        RETIRING,
        seen(BOTH, routes({"v2": 100, "v1": 0}), busy=["v1"]),
        ["set routes (rev_v2 100)"],
    ),
    Case(
        "the first deployment is aborted: nobody serves, and it drains as well",
        state(rollout("check smoke", replaces=None, phase="aborting"), stable=None, draining_since=ago(1)),
        seen({"v2": "ready ready"}, routes({"v2": 100}, "v2")),
        ["set routes (rev_v2 0)"],
    ),
]


@pytest.mark.parametrize("case", [*DRIFT, *BLIND, *WARMTH, *DRAINING], ids=lambda case: case.id)
def test_plan(case: Case) -> None:
    assert [str(effect) for effect in plan(case.state, case.seen, NOW)] == case.effects


def test_a_dead_instance_in_its_back_off_is_left_alone() -> None:
    ready, dead = instances({"v1": "ready exited/2"})
    later = replace(dead, retry_at=NOW + seconds(4))
    look = replace(seen({}, routes({"v1": 100}, ports={"v1": [0]})), instances=(ready, later))
    assert plan(IDLE, look, NOW) == []
    assert [str(effect) for effect in plan(IDLE, look, NOW + seconds(4))] == ["run rev_v1"]


def test_only_ready_instances_are_named_in_the_routes() -> None:
    look = seen({"v1": "ready unready"}, ON_V1)
    effect = plan(IDLE, look, NOW)[0]
    assert effect.routes.backends[0].endpoints == {"web": ("127.0.0.1:1000",)}  # type: ignore[union-attr]


def test_the_audience_comes_with_the_first_weight_and_goes_with_the_candidate() -> None:
    beta = Audience({"X-Beta": "1"})
    strategy = Strategy("canary", (5, 25), sticky=True, audience=beta)

    def audience(at: str, **changes: object) -> object:
        flight = rollout(at, strategy=strategy, **changes)
        look = seen(BOTH, routes({"v1": 100, "v2": 0}), jobs=job(flight, "running"))
        return [effect.routes.audience for effect in plan(state(flight), look, NOW)]  # type: ignore[union-attr]

    assert audience("check smoke (preview)") == [None]
    assert audience("weight 5") == [beta]
    assert audience("weight 5", phase="aborting") == [None]


@pytest.mark.parametrize("phase", ["running", "paused", "aborting", "retiring", "idle"])
def test_never_more_than_two_revisions_are_wanted(phase: str) -> None:
    flight = None if phase == "idle" else rollout("analyze", phase=phase)
    now_state = state(flight, previous=V0, warm_until=NOW + timedelta(days=1))
    assert len(wanted(now_state, NOW)) <= 2


def test_a_check_knows_where_to_look() -> None:
    def services(at: str, routed: dict[str, int]) -> list[dict[str, str]]:
        effects = plan(state(rollout(at)), seen(BOTH, routes(routed, "v2")), NOW)
        return [effect.job.services for effect in effects]  # type: ignore[union-attr]

    assert services("check smoke (preview)", {"v2": 0, "v1": 100}) == [{"web": "http://preview"}]
    assert services("check smoke", {"v2": 100, "v1": 0}) == [{"web": "http://public"}]


@pytest.mark.parametrize("kind", ["http", "run", "load", "browser"])
@pytest.mark.parametrize(
    ("when", "before", "after"),
    [(None, True, False), ("before", True, False), ("after", False, True), ("both", True, True)],
)
@pytest.mark.parametrize("rules", [CANARY, BLUE_GREEN, ALL_AT_ONCE], ids=["canary", "blue-green", "all-at-once"])
def test_a_check_of_any_kind_is_before_users_see_it_or_after_the_switch(
    rules: Environment, when: When | None, before: bool, after: bool, kind: CheckKind
) -> None:
    steps = steps_of(replace(rules, checks=(Check("probe", kind, when=when),)))
    switch = steps.index("weight 100")
    first = next(at for at, step in enumerate(steps) if step.startswith("weight"))
    assert ("check probe (preview)" in steps[:first], "check probe" in steps[switch:]) == (before, after)
    assert sum("probe" in step for step in steps) == before + after


def test_an_instance_of_the_candidate_that_comes_late_is_routed() -> None:
    look = seen(BOTH, routes({"v2": 5, "v1": 95}, "v2", ports={"v2": [0]}))
    assert turn(state(rollout("analyze")), look) == ([], ["set routes (rev_v2 5, rev_v1 95)"])


def test_an_instance_in_no_known_state_is_not_served_from() -> None:
    strange = Instance("v1-0", V1.id, "web", "127.0.0.1:1000", "unready")
    look = replace(seen({}, ON_V1), instances=(strange,))
    assert [str(effect) for effect in plan(IDLE, look, NOW)] == ["run rev_v1"]
