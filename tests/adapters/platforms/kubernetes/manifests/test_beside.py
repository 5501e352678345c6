"""What stands beside the services, against an API server in memory: the latest release's, and put back without it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import kmock
import pytest
from tests.adapters.kubernetes.api import Api, kubeconfig

from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.kinds import CONFIG_MAP
from headgate.adapters.kubernetes.login import Access
from headgate.adapters.kubernetes.names import BESIDE, environment_labels
from headgate.adapters.platforms.kubernetes.manifests.beside import Beside
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.ports import AdapterError

QA = EnvironmentId("shop/qa")
ONE, TWO = RevisionId("rev_1"), RevisionId("rev_2")
SPACE = "shop-qa"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with Api() as api, kmock.Server(api):
        one = Cluster(Access(str(kubeconfig(tmp_path, str(api.url)))))
        yield one
        await one.close()


@pytest.fixture
def beside(cluster: Cluster) -> Beside:
    return Beside(cluster, QA, SPACE)


def config(name: str, value: str, kind: str = "ConfigMap") -> dict[str, Any]:
    metadata = {"name": name, "namespace": SPACE, "labels": environment_labels(QA)}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"a": value}}


async def seen(cluster: Cluster, kind: str = "ConfigMap") -> dict[str, tuple[str, str]]:
    """Name -> what it holds, and whose it is."""
    found, _ = await cluster.list(await cluster.kind({"apiVersion": "v1", "kind": kind}), SPACE)
    return {one["metadata"]["name"]: (one["data"]["a"], one["metadata"]["labels"].get(BESIDE, "")) for one in found}


async def test_an_abort_puts_back_what_was_and_removes_what_was_new(cluster: Cluster, beside: Beside) -> None:
    await beside.apply(ONE, [config("both", "old"), config("dropped", "old")])
    await beside.apply(TWO, [config("both", "new"), config("added", "new")])
    assert await seen(cluster) == {"both": ("new", TWO), "dropped": ("old", ONE), "added": ("new", TWO)}
    await Beside(cluster, QA, SPACE).retire(TWO)  # by another server than the one that applied them
    assert await seen(cluster) == {"both": ("old", ONE), "dropped": ("old", ONE)}


async def test_after_a_promotion_what_the_new_one_dropped_goes(cluster: Cluster, beside: Beside) -> None:
    await beside.apply(ONE, [config("both", "old"), config("dropped", "old")])
    await beside.apply(TWO, [config("both", "new")])
    await beside.retire(ONE)
    await beside.retire(ONE)
    assert await seen(cluster) == {"both": ("new", TWO)}


async def test_one_that_is_only_healed_does_not_take_them_back(cluster: Cluster, beside: Beside) -> None:
    await beside.apply(ONE, [config("both", "old")])
    await beside.apply(TWO, [config("both", "new")])
    await Beside(cluster, QA, SPACE).apply(ONE, [config("both", "old")])
    assert await seen(cluster) == {"both": ("new", TWO)}


async def test_volumes_and_what_others_have_made_are_never_deleted(cluster: Cluster, beside: Beside) -> None:
    await beside.apply(ONE, [config("disk", "x", "PersistentVolumeClaim"), config("theirs", "x")])
    taken = {"metadata": {"labels": {"app.kubernetes.io/managed-by": "them"}}}
    await cluster.patch(CONFIG_MAP, SPACE, "theirs", taken)
    await beside.retire_all()
    assert set(await seen(cluster)) == {"theirs"}
    assert set(await seen(cluster, "PersistentVolumeClaim")) == {"disk"}


async def test_what_others_had_there_before_is_neither_changed_nor_deleted(cluster: Cluster, beside: Beside) -> None:
    theirs = config("ca", "theirs")
    await cluster.create({**theirs, "metadata": {**theirs["metadata"], "labels": {}}})
    with pytest.raises(AdapterError, match=f"ConfigMap {SPACE}/ca is there already, and is not Headgate's"):
        await beside.apply(ONE, [config("ca", "theirs")])
    await beside.retire_all()
    assert await seen(cluster) == {"ca": ("theirs", "")}


async def test_an_environment_leaves_nothing_of_it(cluster: Cluster, beside: Beside) -> None:
    await beside.apply(ONE, [config("both", "old")])
    await beside.apply(TWO, [config("both", "new"), config("more", "new")])
    await beside.retire_all()
    assert await seen(cluster) == {}
    assert not (await cluster.list(await cluster.kind({"apiVersion": "v1", "kind": "Secret"}), SPACE))[0]
