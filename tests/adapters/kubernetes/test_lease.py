"""The Lease of the cluster: in memory, and in a real API server where there is one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.kubernetes.cluster import Cluster as RealCluster

from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.kinds import LEASE
from headgate.adapters.kubernetes.lease import ClusterLease, place
from headgate.adapters.kubernetes.login import Access
from headgate.engine.leading import Leading
from headgate.ports import AdapterError
from headgate.testing.contracts.leases import LASTS, LeasesContract


class TestInMemory(LeasesContract):
    @pytest.fixture
    def leases(self, cluster: Cluster) -> ClusterLease:
        return ClusterLease(cluster, "headgate", "headgate")

    async def test_who_gave_it_back_is_named_no_more(self, leases: ClusterLease, cluster: Cluster) -> None:
        await leases.write(await leases.write(None, "one", LASTS), "", LASTS)
        found = await cluster.get(LEASE, "headgate", "headgate")
        assert found is not None
        assert "holderIdentity" not in found["spec"]
        assert found["spec"]["renewTime"].endswith("Z")

    async def test_one_that_was_deleted_is_not_as_it_was_seen(self, leases: ClusterLease, cluster: Cluster) -> None:
        first = await leases.write(None, "one", LASTS)
        await cluster.delete(LEASE, "headgate", "headgate")
        assert await leases.write(first, "one", LASTS) is None


@pytest.mark.real("kubernetes")
class TestReal(LeasesContract):
    @pytest.fixture
    async def leases(self, real_cluster: RealCluster, namespace: str) -> AsyncIterator[ClusterLease]:
        one = ClusterLease(Cluster(Access(str(real_cluster.kubeconfig))), namespace, "headgate")
        yield one
        await one.close()

    async def test_leads(self, leases: ClusterLease) -> None:
        one, two = Leading(leases, "one"), Leading(leases, "two")
        await one.win()
        assert one.holds()
        assert not await two._claimed()
        assert two.why.startswith("one leads")
        await one.give_back()
        await two.win()
        assert (one.holds(), two.holds()) == (False, True)


def test_a_name_alone_is_in_the_namespace_of_the_pod(tmp_path: Path) -> None:
    (tmp_path / "namespace").write_text("tools\n")
    assert place("headgate", tmp_path / "namespace") == ("tools", "headgate")
    assert place("ops/headgate", tmp_path / "namespace") == ("ops", "headgate")
    with pytest.raises(AdapterError, match="write NAMESPACE/headgate"):
        place("headgate", tmp_path / "nowhere")
