"""A stage for each test, and nothing that it started is left running behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.platforms.process.stage import ProcessStage, staged


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[ProcessStage]:
    async with staged(tmp_path) as made:
        yield made
