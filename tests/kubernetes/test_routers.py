"""Both routers at a real API server: its defaults, server-side apply and watches. A task answers as a controller."""

import statistics
from collections.abc import AsyncIterator
from time import perf_counter
from uuid import uuid4

import pytest
from tests.adapters.traffic.gateway_api.stage import Stage, written
from tests.adapters.traffic.gateway_api.test_router import ASKED as AT_A_GATEWAY
from tests.adapters.traffic.gateway_api.test_router import routes
from tests.adapters.traffic.ingress_nginx.test_router import ASKED as AT_AN_INGRESS
from tests.kubernetes.cluster import Cluster

from headgate.adapters.kubernetes.kinds import HTTP_ROUTE, INGRESS_CLASS
from headgate.adapters.traffic.gateway_api.router import GatewayRouter
from headgate.adapters.traffic.ingress_nginx.router import IngressRouter
from headgate.model.clusters import ClusterRules
from headgate.model.entrances import Entrance
from headgate.model.routes import Routes
from headgate.model.rules import Environment
from headgate.ports import AdapterError
from headgate.testing.contracts.traffic import PRODUCTION

pytestmark = pytest.mark.real("kubernetes")

NAMES = {"web": ("shop.example.org",)}
PREVIEWS = {"web": "preview.shop.example.org"}
MOST = 0.05  # seconds that a weight may take beyond the API server's own write


@pytest.fixture
async def stage(real_cluster: Cluster, namespace: str) -> AsyncIterator[Stage]:
    made = Stage(real_cluster.kubeconfig, namespace, f"headgate-{uuid4().hex[:8]}")
    await made.begin(features=("Gateway", "HTTPRoute"))
    yield made
    await made.end()


def rules(stage: Stage, real_cluster: Cluster, entrance: Entrance) -> Environment:
    where = ClusterRules(kubeconfig=str(real_cluster.kubeconfig), namespace=stage.namespace)
    return Environment("production", "kubernetes", cluster=where, entrance=entrance)


@pytest.fixture
async def gateway(stage: Stage, real_cluster: Cluster) -> AsyncIterator[GatewayRouter]:
    here = rules(stage, real_cluster, Entrance(stage.gateway, "", "", NAMES, PREVIEWS))
    made = GatewayRouter(lambda environment: here, lambda name: None)
    yield made
    await made.close()


async def test_httproutes_are_read_back_as_they_were_set(gateway: GatewayRouter) -> None:
    assert (await gateway.observe(PRODUCTION)).routes is None
    for wanted in (*AT_A_GATEWAY, *reversed(AT_A_GATEWAY), Routes(PRODUCTION, ())):
        await gateway.set_routes(wanted)
        assert (await gateway.observe(PRODUCTION)).routes == wanted


async def test_a_field_that_somebody_took_is_told_and_left(stage: Stage, gateway: GatewayRouter) -> None:
    await gateway.set_routes(routes(5))
    rules = (await stage.route())["spec"]["rules"]
    rules[0]["backendRefs"][0]["weight"] = 60
    await stage.change(HTTP_ROUTE, "web", {"spec": {"rules": rules}})
    with pytest.raises(AdapterError, match="somebody's; nothing was changed"):
        await gateway.set_routes(routes(25))
    assert (await stage.route())["spec"]["rules"][0]["backendRefs"][0]["weight"] == 60


async def test_a_weight_adds_little_to_the_api_servers_own_write(stage: Stage, gateway: GatewayRouter) -> None:
    """The controller's answer is a write too: both are the API server's, measured beside ours."""
    await gateway.set_routes(routes(1))
    alone, whole = [], []
    for weight in range(2, 22):
        began = perf_counter()
        await gateway.set_routes(routes(weight))
        assert (await gateway.observe(PRODUCTION)).routes == routes(weight)
        whole.append(perf_counter() - began)
        began = perf_counter()
        for _ in range(3):  # two routes are written, and one of them is answered for
            await stage.change(HTTP_ROUTE, "web", {"metadata": {"annotations": {"n": str(perf_counter())}}})
        alone.append(perf_counter() - began)
    added = statistics.median(whole) - statistics.median(alone)
    print(f"set and read back {statistics.median(whole) * 1000:.1f} ms, of which ours {added * 1000:.1f} ms")
    assert added < MOST


async def test_ingresses_are_read_back_as_they_were_set(stage: Stage, real_cluster: Cluster) -> None:
    spec = {"controller": "k8s.io/ingress-nginx"}
    await stage.cluster.create(written(INGRESS_CLASS, None, stage.name, spec=spec))
    here = rules(stage, real_cluster, Entrance("", "", stage.name, NAMES, PREVIEWS))
    router = IngressRouter(lambda environment: here, lambda name: None)
    assert await router.unable(PRODUCTION, here) == []
    for wanted in (*AT_AN_INGRESS, *reversed(AT_AN_INGRESS)):
        await router.set_routes(wanted)
        assert (await router.observe(PRODUCTION)).routes == wanted
    await router.close()
    await stage.cluster.delete(INGRESS_CLASS, None, stage.name)
