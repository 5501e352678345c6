"""One Prometheus for each module, and a stage of its own for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.adapters.metrics.prometheus.server import PrometheusServer
from tests.adapters.metrics.prometheus.stage import PrometheusStage, scraped


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    server = PrometheusServer(tmp_path_factory.mktemp("prometheus"))
    yield server
    server.kill()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[PrometheusServer]:
    """Without any history, and to be killed."""
    server = PrometheusServer(tmp_path)
    yield server
    server.kill()


@pytest.fixture
async def stage(shared: PrometheusServer) -> AsyncIterator[PrometheusStage]:
    async with scraped(shared) as made:
        yield made
