"""The real Envoy is held to the seam."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.traffic.envoy.stage import EnvoyStage, staged

from headgate.testing.contracts.baseline import BaselineContract
from headgate.testing.contracts.traffic import TrafficRouterContract


@pytest.mark.real("envoy")
class TestEnvoy(TrafficRouterContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[EnvoyStage]:
        async with staged(tmp_path) as made:
            yield made


@pytest.mark.real("envoy")
class TestEnvoyBesideABaseline(BaselineContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[EnvoyStage]:
        async with staged(tmp_path) as made:
            yield made
