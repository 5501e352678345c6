"""A real Prometheus is held to the seam."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.metrics.prometheus.stage import PrometheusStage, scraped

from headgate.testing.contracts.metrics import MetricSourceContract


@pytest.mark.real("prometheus")
class TestPrometheusMetrics(MetricSourceContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[PrometheusStage]:
        async with scraped(tmp_path) as made:
            yield made
