"""What a router in front of somebody else's proxy must hold. Where such a proxy cannot do as a router of our own does,
INSTEAD names the test of what is so instead: what it lacks is refused when applied, or said here, and never ignored.
"""

from dataclasses import replace
from typing import Any, Protocol

import pytest

from headgate.model.ids import EnvironmentId
from headgate.model.routes import Backend, Routes
from headgate.model.rules import Environment
from headgate.ports import AdapterError
from headgate.testing.contracts.baseline import BASELINE
from headgate.testing.contracts.traffic import (
    BETA,
    CANDIDATE,
    PRODUCTION,
    STABLE,
    STAGING,
    Split,
    Stage,
    TrafficRouterContract,
    addresses,
    crowd,
    within,
)


class EntranceStage(Stage, Protocol):
    def rules(self, environment: EnvironmentId) -> Environment:
        """As the file has them that was applied; without anything that the proxy lacks."""
        ...


class EntranceContract(TrafficRouterContract):
    """Its visitors reach `mesh` as other services of the cluster do; status 0: nobody takes the connection."""

    nobody = frozenset({0, 404, 500, 503})

    async def test_each_door_has_an_address_of_its_own(self, stage: Stage) -> None:
        found = [await addresses(stage, one) for one in (PRODUCTION, STAGING)]
        assert len({url for one in found for at in one.values() for url in (at.public, at.mesh, at.preview)}) == 12

    async def test_a_wanted_port_is_refused(self, stage: Stage) -> None:
        with pytest.raises(AdapterError, match=r"web.*8123"):
            await stage.router.addresses(PRODUCTION, {"web": 8123})

    async def test_addresses_outlive_a_change_of_routes(self, stage: Stage, routes: Split) -> None:
        first = await addresses(stage)
        for wanted in (routes(0, preview=CANDIDATE), routes(100), Routes(PRODUCTION, ())):
            await stage.router.set_routes(wanted)
            assert await addresses(stage) == first

    @pytest.mark.parametrize(
        "asked",
        [
            {"weight": 0},
            {"weight": 37},
            {"weight": 100},
            {"weight": 5, "preview": CANDIDATE},
            {"weight": 0, "preview": CANDIDATE, "audience": BETA},
            {"weight": 25, "preview": CANDIDATE, "audience": BETA},
            {"weight": 25, "audience": BETA},
        ],
        ids=str,
    )
    async def test_what_was_set_is_read_back(self, stage: Stage, routes: Split, asked: dict[str, Any]) -> None:
        await super().test_what_was_set_is_read_back(stage, routes, asked)

    @pytest.mark.parametrize("weight", [5, 50, 100])
    async def test_visitors_are_shared_by_weight(self, stage: Stage, routes: Split, weight: int) -> None:
        await stage.router.set_routes(routes(weight))
        answers = await crowd(stage, (await addresses(stage))["web"].public, 400)
        assert within(answers["web-candidate"], 400, weight / 100), answers
        assert answers["web-candidate"] + answers["web-stable"] == 400

    async def test_candidate_baseline_and_stable_have_their_shares(self, stage: Stage, routes: Split) -> None:
        beside: dict[str, tuple[str, ...]] = {
            service: (await stage.instance(f"{service}-baseline"),) for service in ("quotes", "web")
        }
        endpoints = routes.endpoints | {BASELINE: beside}
        shares = {CANDIDATE: 20, BASELINE: 20, STABLE: 60}
        wanted = Routes(PRODUCTION, tuple(Backend(one, share, endpoints[one]) for one, share in shares.items()))
        await stage.router.set_routes(wanted)
        assert (await stage.router.observe(PRODUCTION)).routes == wanted
        answers = await crowd(stage, (await addresses(stage))["web"].public, 300)
        assert all(within(answers[f"web-{side}"], 300, 0.2) for side in ("candidate", "baseline")), answers

    async def test_other_services_reach_the_greater_part(self, stage: Stage, routes: Split) -> None:
        """The first weight is a preview's: its requests to other services do not stay on its side."""
        for weight, side in ((0, "stable"), (50, "stable"), (51, "candidate"), (100, "candidate")):
            await stage.router.set_routes(routes(weight, preview=CANDIDATE))
            for service, at in (await addresses(stage)).items():
                assert await crowd(stage, at.mesh, 10) == {f"{service}-{side}": 10}

    async def test_an_audience_without_a_candidate_is_shared_as_all_are(self, stage: Stage, routes: Split) -> None:
        await stage.router.set_routes(routes(0, audience=BETA))
        assert (await stage.ask((await addresses(stage))["web"].public, {"X-Beta": "1"})).by == "web-stable"

    async def test_no_request_in_flight_is_told_of(self, stage: Stage, routes: Split) -> None:
        await stage.router.set_routes(routes(50))
        assert (await stage.router.observe(PRODUCTION)).active == {}

    async def test_sticky_is_refused(self, stage: EntranceStage, routes: Split) -> None:
        """When applied, and again when set: nothing has changed then."""
        rules = stage.rules(PRODUCTION)
        sticky = replace(rules, strategy=replace(rules.strategy, sticky=True))
        await stage.router.set_routes(routes(5))
        assert [why for why in await stage.router.unable(PRODUCTION, sticky) if "sticky" in why]  # type: ignore[attr-defined]
        assert not await stage.router.unable(PRODUCTION, rules)  # type: ignore[attr-defined]
        with pytest.raises(AdapterError, match="sticky"):
            await stage.router.set_routes(routes(25, sticky=True))
        assert (await stage.router.observe(PRODUCTION)).routes == routes(5)


STICKY = "test_sticky_is_refused"
INSTEAD = {
    "test_no_two_addresses_are_the_same": "test_each_door_has_an_address_of_its_own",
    "test_a_wanted_port_is_given": "test_a_wanted_port_is_refused",
    "test_a_port_cannot_be_given_twice": "test_a_wanted_port_is_refused",
    "test_traffic_is_shared_by_weight": "test_visitors_are_shared_by_weight",
    "test_requests_in_flight_are_seen": "test_no_request_in_flight_is_told_of",
    "test_a_request_stays_on_its_side": "test_other_services_reach_the_greater_part",
    "test_a_preview_stays_on_its_side": "test_other_services_reach_the_greater_part",
    "test_visitors_only_ever_move_to_the_candidate": STICKY,
    "test_visitors_move_back_when_the_weight_does": STICKY,
    "test_a_hostile_cookie_does_no_harm": STICKY,
}
for _name in INSTEAD:
    setattr(EntranceContract, _name, None)
