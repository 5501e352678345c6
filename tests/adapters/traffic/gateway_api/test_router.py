"""Set and read back at an API server in memory: only what a controller has answered for counts as set."""

from typing import Any

import pytest
from tests.adapters.traffic.gateway_api.stage import ENDPOINTS, Stage

from headgate.adapters.kubernetes.kinds import HTTP_ROUTE
from headgate.adapters.kubernetes.names import REVISION
from headgate.adapters.traffic.gateway_api.router import GatewayRouter
from headgate.model.routes import Backend, Routes
from headgate.model.rules import Environment, Strategy
from headgate.ports import AdapterError
from headgate.testing.contracts.traffic import BETA, CANDIDATE, PRODUCTION, STABLE, Split


def routes(weight: int = 0, **more: Any) -> Routes:
    return Split(ENDPOINTS)(weight, **more)


ASKED = (
    Routes(PRODUCTION, (Backend(CANDIDATE, 0, ENDPOINTS[CANDIDATE]),), preview=CANDIDATE),
    routes(0),
    routes(37),
    routes(100),
    routes(5, preview=CANDIDATE),
    routes(0, preview=CANDIDATE, audience=BETA),
    Split(ENDPOINTS).only(STABLE),
)


async def test_what_was_set_is_read_back(router: GatewayRouter) -> None:
    assert (await router.observe(PRODUCTION)).routes is None
    for wanted in (*ASKED, *reversed(ASKED)):
        await router.set_routes(wanted)
        assert (await router.observe(PRODUCTION)).routes == wanted


async def test_a_route_has_weights_at_the_services_of_revisions(stage: Stage, router: GatewayRouter) -> None:
    await router.set_routes(routes(5, preview=CANDIDATE, audience=BETA))
    spec = (await stage.route())["spec"]
    assert spec["parentRefs"] == [{"name": "public", "namespace": stage.namespace, "sectionName": "tls"}]
    chosen, serve = spec["rules"]
    assert chosen["matches"] == [{"headers": [{"type": "Exact", "name": "X-Beta", "value": "1"}]}]
    assert [one["name"] for one in chosen["backendRefs"]] == ["web-000000000002"]
    assert [(one["name"], one["port"], one["weight"]) for one in serve["backendRefs"]] == [
        ("web-000000000002", 8000, 5),
        ("web-000000000001", 8000, 95),
    ]
    (preview,) = (await stage.route("web-preview"))["spec"]["rules"]
    assert preview["backendRefs"][0]["name"] == "web-preview"
    assert (await stage.led("web-preview"))[REVISION] == CANDIDATE


async def test_services_within_the_cluster_follow_the_greater_part(stage: Stage, router: GatewayRouter) -> None:
    for weight, leads in ((49, STABLE), (50, STABLE), (51, CANDIDATE), (0, STABLE)):
        await router.set_routes(routes(weight))
        assert [(await stage.led(name))[REVISION] for name in ("web", "quotes")] == [leads, leads]


async def test_nobody_serves_any_more(stage: Stage, router: GatewayRouter) -> None:
    await router.set_routes(routes(50))
    await router.set_routes(Routes(PRODUCTION, ()))
    assert (await router.observe(PRODUCTION)).routes == Routes(PRODUCTION, ())
    assert (await stage.route())["spec"]["rules"] == [{"backendRefs": []}]


async def test_where_it_is_reached(stage: Stage, router: GatewayRouter) -> None:
    found = await router.addresses(PRODUCTION, {"web": None, "quotes": None})
    assert (found["web"].public, found["web"].preview) == ("https://shop.example.org", "https://preview.shop.example.org")
    assert found["web"].mesh == "http://web.pcw-production.svc"
    await router.set_routes(routes(0))
    found = await router.addresses(PRODUCTION, {"quotes": None})
    assert (found["quotes"].public, found["quotes"].mesh) == ("http://quotes.pcw-production.svc",) * 2


# --- what does not count as set


async def test_a_weight_that_nobody_has_answered_for_is_not_set(
    stage: Stage, router: GatewayRouter, impatient: GatewayRouter
) -> None:
    await router.set_routes(routes(5))
    stage.silent = True
    with pytest.raises(AdapterError, match=r"after 0\.2 s .*web at gateway\.example\.org/controller is not yet"):
        await impatient.set_routes(routes(25))
    seen = (await router.observe(PRODUCTION)).routes
    assert seen is not None
    assert [(one.weight, one.endpoints) for one in seen.backends] == [(25, {}), (75, {})]


@pytest.mark.parametrize("condition", ["Accepted", "ResolvedRefs"])
async def test_what_a_controller_refuses_is_told_at_once(stage: Stage, router: GatewayRouter, condition: str) -> None:
    stage.answers[condition] = {"status": "False", "reason": "NotAllowed", "message": "ask the other team"}
    with pytest.raises(AdapterError, match=f"pcw-production/web.* is not {condition}: NotAllowed: ask the other team"):
        await router.set_routes(routes(5))


async def test_a_gateway_that_is_not_programmed_routes_nobody(stage: Stage, router: GatewayRouter) -> None:
    await stage.programmed("False")
    with pytest.raises(AdapterError, match="Gateway pcw-production/public is not Programmed: AddressNotAssigned: no"):
        await router.set_routes(routes(5))


async def test_nothing_is_routed_to_what_its_service_does_not_lead_to(
    stage: Stage, router: GatewayRouter, impatient: GatewayRouter
) -> None:
    await stage.ready("web", CANDIDATE, ())
    with pytest.raises(AdapterError, match="the Service of web in rev_000000000002 leads to 0 of 1 instances"):
        await impatient.set_routes(routes(5))
    assert (await router.observe(PRODUCTION)).routes is None


async def test_what_somebody_else_has_taken_is_told_and_left(stage: Stage, router: GatewayRouter) -> None:
    await router.set_routes(routes(5))
    before = (await stage.route())["metadata"]["generation"]
    rules = (await stage.route())["spec"]["rules"]
    rules[0]["backendRefs"][0]["weight"] = 60
    await stage.change(HTTP_ROUTE, "web", {"spec": {"rules": rules}})
    assert (await stage.route())["metadata"]["generation"] > before
    with pytest.raises(AdapterError, match=r"spec\.rules is somebody's; nothing was changed"):
        await router.set_routes(routes(5))
    seen = (await router.observe(PRODUCTION)).routes
    assert seen is not None
    assert seen.weight(CANDIDATE) == 60


async def test_what_the_implementation_lacks(stage: Stage, router: GatewayRouter, rules: Environment) -> None:
    sticky = Environment("production", "kubernetes", entrance=rules.entrance, strategy=Strategy("canary", sticky=True))
    (why,) = await router.unable(PRODUCTION, sticky)
    assert why.startswith("gateway.example.org/controller keeps no visitor on one side")
    assert await router.unable(PRODUCTION, rules) == []
    with pytest.raises(AdapterError, match="keeps no visitor"):
        await router.set_routes(routes(5, sticky=True))


async def test_visitors_who_are_kept_leave_whoever_has_no_share(stage: Stage, router: GatewayRouter) -> None:
    """A session goes on at a backend of weight 0: it is not written, and read back all the same."""
    keeps = {"spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}}
    await stage.change_class(keeps)
    for weight, named in ((5, [5, 95]), (0, [100]), (100, [100]), (25, [25, 75])):
        wanted = routes(weight, sticky=True, preview=CANDIDATE)
        await router.set_routes(wanted)
        assert (await router.observe(PRODUCTION)).routes == wanted
        (rule,) = (await stage.route())["spec"]["rules"]
        assert rule["sessionPersistence"]["type"] == "Cookie"
        assert [one["weight"] for one in rule["backendRefs"]] == named
    await router.set_routes(routes(0))
    assert "headgate.dev/backends" not in ((await stage.route())["metadata"].get("annotations") or {})


async def test_weights_that_are_none(router: GatewayRouter) -> None:
    with pytest.raises(AdapterError, match="sum neither to 100 nor to 0"):
        await router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 40, {}),)))
