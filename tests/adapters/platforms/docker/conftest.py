"""A stage for each test, and nothing that it started is left running behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.platforms.docker.stage import DockerStage, staged


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DockerStage]:
    async with staged(tmp_path) as made:
        yield made
