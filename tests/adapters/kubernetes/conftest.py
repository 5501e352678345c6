"""A cluster in memory, and the real client of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import kmock
import pytest
from tests.adapters.kubernetes.api import Api, kubeconfig

from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.login import Access


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with Api() as one, kmock.Server(one):
        yield one


@pytest.fixture
async def cluster(api: Api, tmp_path: Path) -> AsyncIterator[Cluster]:
    one = Cluster(Access(str(kubeconfig(tmp_path, str(api.url)))))
    yield one
    await one.close()
