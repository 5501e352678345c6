"""The process platform holds what every platform must."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.platforms.process.stage import ProcessStage, staged

from headgate.testing.contracts.platform import PlatformContract


@pytest.mark.real
class TestProcessPlatform(PlatformContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[ProcessStage]:
        async with staged(tmp_path) as made:
            yield made
