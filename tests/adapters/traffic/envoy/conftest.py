"""A stage for each test, and no Envoy left behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.traffic.envoy.stage import EnvoyStage, staged


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[EnvoyStage]:
    async with staged(tmp_path) as made:
        yield made
