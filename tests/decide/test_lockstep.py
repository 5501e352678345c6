"""Several services of one release move as one: all are ready before any weight moves; one that fails ends all."""

from dataclasses import replace

import pytest
from tests.decide.given import CANARY, NOW, PRODUCTION, rollout, seen, state, turn
from tests.decide.given import revision as one_of

from headgate.decide.plan import plan
from headgate.model.effects import Run, SetRoutes
from headgate.model.observations import Instance, Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.routes import Address, Backend, Routes

SERVICES = ("web", "quotes", "prices")
V1, V2 = (one_of(label, replicas=1, services=SERVICES) for label in ("v1", "v2"))
RULES = replace(CANARY, checks=())


def instance(revision: Revision, service: str, condition: str) -> Instance:
    crashed = condition == "crashed"
    address = f"127.0.0.1:{int(revision.label[1]) * 1000 + SERVICES.index(service)}"
    name = f"{revision.label}-{service}"
    detail = "exit code 1" if crashed else ""
    return Instance(name, revision.id, service, address, "exited" if crashed else condition, 3 * crashed, detail)  # type: ignore[arg-type]


def weighted(weight: int) -> Routes:
    backends = [
        Backend(one.id, share, {name: (instance(one, name, "ready").address,) for name in sorted(SERVICES)})
        for one, share in ((V2, weight), (V1, 100 - weight))
    ]
    return Routes(PRODUCTION, tuple(backends), V2.id)


def look(weight: int, **conditions: str) -> Seen:
    """Every service is ready but those of the candidate that are said to be otherwise."""
    mine = [instance(V2, name, conditions.get(name, "ready")) for name in SERVICES]
    there = tuple(mine + [instance(V1, name, "ready") for name in SERVICES])
    addresses = {name: Address("http://public", "http://mesh", "http://preview") for name in SERVICES}
    return seen(routed=weighted(weight), instances=there, rules=RULES, addresses=addresses)


def at(step: str) -> EnvironmentState:
    return state(rollout(step, V2, RULES, replaces=V1.id), V1)


@pytest.mark.parametrize("late", SERVICES)
def test_all_are_ready_before_any_weight_moves(late: str) -> None:
    waiting = turn(at("await ready"), look(0, **{late: "starting"}))[0]
    assert waiting == []
    assert "StepCompleted 1" in turn(at("await ready"), look(0))[0]


@pytest.mark.parametrize("late", SERVICES)
def test_nothing_is_routed_to_a_candidate_of_which_one_service_cannot_serve(late: str) -> None:
    routes = [e.routes for e in plan(at("weight 25"), look(5, **{late: "unready"}), NOW) if isinstance(e, SetRoutes)]
    assert [backend.weight for one in routes for backend in one.backends if backend.revision == V2.id] in ([], [0])
    assert all(one.weight(V1.id) == 100 for one in routes)


@pytest.mark.parametrize("step", ["await ready", "weight 5", "analyze", "weight 100"])
@pytest.mark.parametrize("broken", SERVICES)
def test_one_that_fails_ends_it_for_all(step: str, broken: str) -> None:
    events, effects = turn(at(step), look(25, **{broken: "crashed"}))
    assert events == ["RolloutAborted by headgate"]
    assert effects[0] == f"set routes ({V1.id} 100, {V2.id} 0)"


def test_one_weight_is_that_of_every_service() -> None:
    effects = plan(at("weight 25"), look(5), NOW)
    routes = next(effect.routes for effect in effects if isinstance(effect, SetRoutes))
    assert {b.revision: (b.weight, set(b.endpoints)) for b in routes.backends} == {
        V2.id: (25, set(SERVICES)),
        V1.id: (75, set(SERVICES)),
    }


def test_a_service_that_is_missing_is_started_with_its_revision() -> None:
    present = tuple(one for one in look(0).instances or () if one.id != "v2-prices")
    assert Run(V2) in plan(at("await ready"), replace(look(0), instances=present), NOW)
