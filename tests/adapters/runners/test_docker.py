"""Steps in containers: their end and its reason, what they may, what they find again, and what they leave behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.runners.docker_stage import DockerStage, staged

from headgate.testing.contracts.runner import RunnerContract

pytestmark = pytest.mark.real("dockerd")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DockerStage]:
    async with staged(tmp_path) as made:
        yield made


class TestDockerRunner(RunnerContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[DockerStage]:
        async with staged(tmp_path) as made:
            yield made
