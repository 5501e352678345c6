"""Services that a team had already: the router leads them with the stable, and leaves everything else of them."""

import asyncio

import pytest
from tests.adapters.traffic.gateway_api.stage import ENDPOINTS, Stage, written

from headgate.adapters.kubernetes.kinds import SERVICE
from headgate.adapters.kubernetes.names import FOLLOWS, environment_labels, pods_of
from headgate.adapters.kubernetes.names import SERVICE as OF
from headgate.adapters.traffic.gateway_api.router import GatewayRouter
from headgate.model.routes import Routes
from headgate.testing.contracts.traffic import CANDIDATE, PRODUCTION, STABLE, Split

PORTS = [{"name": "shop", "port": 80, "targetPort": "http"}]


def routes(weight: int) -> Routes:
    return Split(ENDPOINTS)(weight)


async def apply(stage: Stage, name: str) -> None:
    """As the platform does once for each release: without a selector."""
    labels = {**environment_labels(PRODUCTION), OF: "web", FOLLOWS: "stable"}
    await stage.cluster.apply(written(SERVICE, stage.namespace, name, labels, spec={"ports": PORTS}))


@pytest.mark.parametrize("name", ["shop", "web"], ids=["another name", "the stable's own name"])
async def test_they_follow_the_stable_and_keep_the_rest(stage: Stage, router: GatewayRouter, name: str) -> None:
    await apply(stage, name)
    for weight, leads in ((0, STABLE), (51, CANDIDATE), (0, STABLE)):
        await router.set_routes(routes(weight))
        assert await stage.led(name) == pods_of(PRODUCTION, "web", leads)
        assert (await router.observe(PRODUCTION)).routes == routes(weight)
        await apply(stage, name)  # the next release's, or the same again
        assert await stage.led(name) == pods_of(PRODUCTION, "web", leads)
    found = await stage.cluster.get(SERVICE, stage.namespace, name)
    assert found is not None
    assert found["spec"]["ports"] == PORTS


async def test_one_that_selected_by_labels_of_its_own_does_so_no_more(stage: Stage, router: GatewayRouter) -> None:
    await apply(stage, "shop")
    await stage.change(SERVICE, "shop", {"spec": {"selector": {"app": "web"}}})
    await router.set_routes(routes(0))
    assert await stage.led("shop") == pods_of(PRODUCTION, "web", STABLE)


async def test_one_that_leads_astray_does_not_count_as_set(stage: Stage, router: GatewayRouter) -> None:
    await apply(stage, "shop")
    await router.set_routes(routes(0))
    await stage.change(SERVICE, "shop", {"spec": {"selector": pods_of(PRODUCTION, "web", CANDIDATE)}})
    async with asyncio.timeout(5):
        while (await router.observe(PRODUCTION)).routes == routes(0):
            await asyncio.sleep(0.01)
    await router.set_routes(routes(0))
    assert (await router.observe(PRODUCTION)).routes == routes(0)
