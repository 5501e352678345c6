"""Closing an environment: what platform and routers have made goes, by its labels, and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import kmock
import pytest
from tests.adapters.platforms.kubernetes.stage import KubernetesStage, on_stage
from tests.adapters.traffic.gateway_api.stage import ENDPOINTS, written
from tests.adapters.traffic.gateway_api.stage import Stage as GatewayStage

from headgate.adapters.kubernetes.kinds import HTTP_ROUTE, INGRESS, SERVICE, Kind
from headgate.adapters.kubernetes.names import environment_labels
from headgate.adapters.traffic.gateway_api.router import GatewayRouter
from headgate.adapters.traffic.ingress_nginx.router import IngressRouter
from headgate.model.entrances import Entrance
from headgate.model.ids import EnvironmentId
from headgate.testing.contracts.platform import PRODUCTION
from headgate.testing.contracts.traffic import CANDIDATE, Split

SPACE = "pcw-production"
KINDS = (HTTP_ROUTE, INGRESS, SERVICE)
ENTRANCE = Entrance(f"{SPACE}/public", "", "nginx", {"web": ("shop",)}, {"web": "preview.shop"})


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[KubernetesStage]:
    async with on_stage(tmp_path) as one:
        yield one


@pytest.fixture
async def gateway(stage: KubernetesStage) -> AsyncIterator[GatewayStage]:
    one = GatewayStage(Path(stage.rules.kubeconfig), SPACE)
    await one.begin()
    yield one
    await one.end()


def there(stage: KubernetesStage, *kinds: Kind) -> set[str]:
    plurals = {one.plural for one in kinds}
    return {f"{kind}/{name}" for kind, _, name in stage.api.state.objects if kind in plurals}


async def theirs(stage: KubernetesStage) -> set[str]:
    """Of a person, and of another environment in the same namespace."""
    other = environment_labels(EnvironmentId("pcw/staging"))
    for kind in KINDS:
        await stage.cluster.create(written(kind, SPACE, "theirs", spec={"rules": []}))
        await stage.cluster.create(written(kind, SPACE, "staging", other, spec={"rules": []}))
    return {f"{kind.plural}/{name}" for kind in KINDS for name in ("theirs", "staging")}


@pytest.mark.parametrize(
    ("made", "routes"),
    [
        pytest.param(GatewayRouter, {"httproutes/web", "httproutes/web-preview"}, id="gateway_api"),
        pytest.param(
            IngressRouter, {"ingresses/web", "ingresses/web-candidate", "ingresses/web-preview"}, id="ingress_nginx"
        ),
    ],
)
async def test_what_routers_made_goes_with_their_environment(
    stage: KubernetesStage, gateway: GatewayStage, made: type[GatewayRouter | IngressRouter], routes: set[str]
) -> None:
    await stage.platform.run(stage.revision("one"))
    rules = stage.ruled(PRODUCTION)
    assert rules is not None
    router = made(lambda environment: replace(rules, entrance=ENTRANCE), lambda name: None)
    await router.set_routes(Split(ENDPOINTS)(5, preview=CANDIDATE))
    await router.close()
    assert there(stage, *KINDS) >= {*routes, "services/web", "services/web-preview"}
    kept = await theirs(stage)
    stage.gone = True
    await stage.restart()
    await stage.platform.stop_all(PRODUCTION)
    assert there(stage, *KINDS) == kept


async def test_who_may_not_see_routes_of_a_kind_has_made_none(
    stage: KubernetesStage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.platform.run(stage.revision("one"))
    said = 'ingresses.networking.k8s.io is forbidden: User "headgate" cannot list resource "ingresses"'
    stage.api["list ingresses"] << kmock.KubernetesError(403, "Forbidden", said, {"kind": "ingresses"})
    await stage.platform.stop_all(PRODUCTION)
    assert there(stage, SERVICE) == set()
    assert "no router without that right has made any" in caplog.text
