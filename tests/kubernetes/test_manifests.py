"""A team's own manifests against a real API server: what it adds, writes anew and validates is its own."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.platforms.kubernetes.manifests.written import SHOP
from tests.kubernetes.cluster import Cluster as RealCluster
from tests.kubernetes.test_platform import WEB, WHERE, Stage

from headgate.adapters.kubernetes.kinds import CRON_JOB, DEPLOYMENT, SERVICE
from headgate.model.manifests import Manifests

pytestmark = [pytest.mark.real("kubernetes"), pytest.mark.timeout(60)]


@pytest.fixture
async def stage(tmp_path: Path, real_cluster: RealCluster, namespace: str) -> AsyncIterator[Stage]:
    one = Stage(tmp_path, real_cluster.kubeconfig, namespace)
    source = tmp_path / "releases" / "rel_1" / "deploy"
    source.mkdir(parents=True)
    (source / "shop.yaml").write_text(SHOP)
    yield one
    await one.close()


async def test_they_run_without_drift_and_go_with_their_revision(stage: Stage) -> None:
    service = replace(WEB, command=())
    one = replace(stage.revision("0123456789ab"), services=(service,), manifests=Manifests("deploy"))
    for _ in range(2):
        await stage.platform.run(one)
    await stage.platform.observe(WHERE)
    assert list(stage.platform.drift(WHERE)) == []
    assert await stage.cluster.get(DEPLOYMENT, stage.namespace, "web-0123456789ab") is not None
    led = await stage.cluster.get(SERVICE, stage.namespace, "shop-web")
    assert led is not None
    assert "selector" not in led["spec"]
    await stage.platform.stop(WHERE, one.id)
    assert await stage.cluster.get(CRON_JOB, stage.namespace, "nightly") is None
