"""Images that the nodes of a whole cluster can run."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from tests.kubernetes.cluster import NO_NODE, Cluster
from tests.kubernetes.images import Images


@pytest.fixture(scope="session")
def images(real_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    """Skipped, in CI too, where no node is Ready or none reaches this machine's registry."""
    if not real_cluster.has_a_ready_node():
        pytest.skip(NO_NODE)
    made = Images(tmp_path_factory.mktemp("images"))
    namespace = f"headgate-{uuid4().hex[:12]}"
    real_cluster.make_namespace(namespace)
    try:
        if why := made.unreached(real_cluster, namespace):
            pytest.skip(why)
        yield made
    finally:
        made.close()
        real_cluster.remove_namespace(namespace)
