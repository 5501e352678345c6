"""The stage of all tests in this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.metrics.prometheus.stage import PrometheusStage, scraped


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[PrometheusStage]:
    async with scraped(tmp_path) as made:
        yield made
