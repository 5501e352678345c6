"""The docker platform holds what every platform must."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.platforms.docker.stage import DockerStage, staged

from headgate.testing.contracts.platform import PlatformContract


@pytest.mark.real("dockerd")
class TestDockerPlatform(PlatformContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[DockerStage]:
        async with staged(tmp_path) as made:
            yield made
