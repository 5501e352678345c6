"""Platform `kubernetes` holds what every platform must, migrations too."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.platforms.kubernetes.stage import KubernetesStage, on_stage

from headgate.testing.contracts.migrations import MigratorContract
from headgate.testing.contracts.platform import PlatformContract

pytestmark = pytest.mark.slow  # most of it waits


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[KubernetesStage]:
    async with on_stage(tmp_path) as one:
        yield one


class TestKubernetesPlatform(PlatformContract):
    @pytest.fixture
    def stage(self, stage: KubernetesStage) -> KubernetesStage:  # type: ignore[override]
        return stage


class TestKubernetesMigrations(MigratorContract):
    @pytest.fixture
    def stage(self, stage: KubernetesStage) -> KubernetesStage:  # type: ignore[override]
        return stage
