"""A real Prometheus is held to the seam."""

from collections.abc import AsyncIterator

import pytest
from tests.adapters.metrics.prometheus.stage import PrometheusStage, scraped

from headgate.testing.contracts.metrics import MetricSourceContract

# A Prometheus that has been at work for longer can tell what was before Headgate first looked.
BEGINNINGS = ("before_the_first_look", "after_a_restart", "source_that_is_down")


@pytest.mark.real("prometheus")
class TestPrometheusMetrics(MetricSourceContract):
    @pytest.fixture
    async def stage(self, request: pytest.FixtureRequest) -> AsyncIterator[PrometheusStage]:
        anew = any(name in request.node.name for name in BEGINNINGS)
        async with scraped(request.getfixturevalue("fresh" if anew else "shared")) as made:
            yield made
