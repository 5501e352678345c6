"""Router `gateway_api` is held to the seam by real requests: through a Gateway controller with a real Envoy."""

from collections.abc import AsyncIterator
from pathlib import Path

import kmock
import pytest
from tests.adapters.kubernetes.api import Api, kubeconfig
from tests.kubernetes.visited import GatewayStage, visited

from headgate.adapters.kubernetes.names import namespace_of
from headgate.testing.contracts.entrance import EntranceContract
from headgate.testing.contracts.traffic import PRODUCTION, STAGING


@pytest.mark.real("envoy")
class TestGateway(EntranceContract):
    """At an API server in memory."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[GatewayStage]:  # type: ignore[override]
        async with Api() as api, kmock.Server(api):
            file = kubeconfig(tmp_path, str(api.url))
            async with visited(file, tmp_path, namespace_of(PRODUCTION), namespace_of(STAGING)) as made:
                yield made
