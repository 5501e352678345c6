"""Router `gateway_api` is held to the seam by real requests: through a Gateway controller with a real Envoy."""

import asyncio
import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import kmock
import pytest
from tests.adapters.kubernetes.api import Api, kubeconfig
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.visited import GatewayStage, visited

from headgate.adapters.kubernetes.names import namespace_of
from headgate.testing.contracts.entrance import EntranceContract
from headgate.testing.contracts.traffic import CANDIDATE, PRODUCTION, STABLE, STAGING, Split, addresses, crowd, within


@pytest.mark.real("envoy")
class TestGateway(EntranceContract):
    """At an API server in memory."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[GatewayStage]:  # type: ignore[override]
        async with Api() as api, kmock.Server(api):
            file = kubeconfig(tmp_path, str(api.url))
            async with visited(file, tmp_path, namespace_of(PRODUCTION), namespace_of(STAGING)) as made:
                yield made


@pytest.mark.real("envoy", "kubernetes")
async def test_visitors_meet_each_weight_at_a_real_api_server(
    real_cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """And nobody is lost on the way: some come all the time, while weights change."""
    async with visited(real_cluster.kubeconfig, tmp_path, namespace, namespace, f"test-{uuid4().hex[:8]}") as stage:
        sides = {STABLE: "stable", CANDIDATE: "candidate"}
        routes = Split({one: {"web": (await stage.instance(f"web-{side}"),)} for one, side in sides.items()})
        await stage.router.set_routes(routes(0))
        url = (await addresses(stage))["web"].public
        lost: list[int] = []
        took: list[float] = []
        visiting = asyncio.create_task(_visit(stage, url, lost))
        for weight in (5, 50, 100, 0) * 3:
            began = perf_counter()
            await stage.router.set_routes(routes(weight, preview=CANDIDATE))
            took.append(perf_counter() - began)
            answers = await crowd(stage, url, 100)
            assert within(answers["web-candidate"], 100, weight / 100), answers
        visiting.cancel()
        print(f"a weight has taken effect after {statistics.median(took) * 1000:.0f} ms")
        assert not lost


async def _visit(stage: GatewayStage, url: str, lost: list[int]) -> None:
    """Ten a second or more, one after the other; `lost` has the statuses that are no answer."""
    while True:
        answer = await stage.ask(url)
        if answer.status != 200:
            lost.append(answer.status)
        await asyncio.sleep(0.01)
