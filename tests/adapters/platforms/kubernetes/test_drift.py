"""What somebody changes by hand: found in what the object was made as, put back or only told, never fought over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.platforms.kubernetes.stage import KubernetesStage, on_stage

from headgate.adapters.kubernetes.errors import OwnedByOthers
from headgate.adapters.kubernetes.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    SECRET,
    SERVICE,
    Kind,
)
from headgate.adapters.platforms.kubernetes.drift import drifted, quantity
from headgate.adapters.platforms.kubernetes.objects import described
from headgate.model.clusters import Autoscale
from headgate.model.releases import Revision
from headgate.model.services import Value
from headgate.ports import AdapterError
from headgate.testing.contracts.platform import PRODUCTION

SPACE, NAME = "pcw-production", "web-one"
MERGE = "application/merge-patch+json"


def deployment(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "main", "image": "a", "resources": {"limits": {"memory": "67108864"}}}]
    return described({"metadata": {"name": "web"}, "spec": {"replicas": 2, "containers": containers, **spec}})


def test_what_the_server_adds_and_writes_anew_is_no_drift() -> None:
    object = deployment()
    limits = {"limits": {"memory": "64Mi"}}
    own = {"name": "main", "image": "a", "resources": limits, "terminationMessagePath": "/dev"}
    sidecar = {"name": "istio-proxy", "image": "b"}
    object["spec"] = {"replicas": 2, "containers": [sidecar, own], "progressDeadlineSeconds": 600}
    assert drifted(object) == ()


def test_each_difference_is_told_with_what_it_was_made_as() -> None:
    object = deployment()
    object["spec"] = {"replicas": 0, "containers": [{"name": "main", "image": "evil", "resources": {}}]}
    assert drifted(object) == (
        'containers[main].image is "evil", made as "a"',
        'containers[main].resources.limits.memory is gone, made as "67108864"',
        "replicas is 0, made as 2",
    )


@pytest.mark.parametrize(("one", "other"), [("0.5", "500m"), ("1024Mi", "1Gi"), ("64Mi", "67108864"), ("1k", "1000")])
def test_amounts_are_compared_by_what_they_are(one: str, other: str) -> None:
    assert quantity(one) == quantity(other)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[KubernetesStage]:
    async with on_stage(tmp_path) as one:
        yield one


async def by_hand(stage: KubernetesStage, body: dict[str, Any], manager: str = "kubectl-edit") -> None:
    path = DEPLOYMENT.path(SPACE, NAME)
    await stage.cluster.json("PATCH", path, "edit", {"fieldManager": manager}, body, MERGE)


async def seen(stage: KubernetesStage, holds: Callable[[list[str]], bool]) -> list[str]:
    async with asyncio.timeout(5):
        while True:
            await stage.platform.observe(PRODUCTION)
            if holds(found := [one.what for one in stage.platform.drift(PRODUCTION)]):
                return found
            await asyncio.sleep(0.02)


async def ran(stage: KubernetesStage, replicas: int = 1) -> Revision:
    revision = stage.revision("one", replicas=replicas)
    await stage.platform.run(revision)
    assert await seen(stage, lambda found: not found) == []
    stage.told.clear()
    return revision


async def test_what_was_scaled_by_hand_is_seen_by_itself_and_running_it_again_puts_it_back(
    stage: KubernetesStage,
) -> None:
    revision = await ran(stage)
    await by_hand(stage, {"spec": {"replicas": 0}})
    assert await seen(stage, bool) == [f"Deployment {SPACE}/{NAME}: replicas is 0, made as 1"]
    assert PRODUCTION in stage.told
    await stage.platform.run(revision)
    await seen(stage, lambda found: not found)
    found = await stage.cluster.get(DEPLOYMENT, SPACE, NAME)
    assert found is not None
    assert found["spec"]["replicas"] == 1


async def test_what_was_deleted_by_hand_comes_back(stage: KubernetesStage) -> None:
    revision = await ran(stage)
    await stage.cluster.delete(DEPLOYMENT, SPACE, NAME)
    assert await seen(stage, bool) == [f"Deployment {SPACE}/{NAME} was deleted"]
    await stage.cluster.delete(SERVICE, SPACE, NAME)
    await stage.platform.run(revision)
    assert await seen(stage, lambda found: not found) == []
    assert await stage.cluster.get(SERVICE, SPACE, NAME) is not None


async def test_a_field_that_a_controller_holds_is_told_with_its_name_and_left_to_it(stage: KubernetesStage) -> None:
    revision = await ran(stage)
    await by_hand(stage, {"spec": {"replicas": 7}}, "keda-operator")
    with pytest.raises(OwnedByOthers, match=r"\.spec\.replicas is keda-operator's"):
        await stage.platform.run(revision)
    found = await stage.cluster.get(DEPLOYMENT, SPACE, NAME)
    assert found is not None
    assert found["spec"]["replicas"] == 7


async def test_drift_that_is_only_told_says_so(tmp_path: Path) -> None:
    async with on_stage(tmp_path, heal=False) as stage:
        await ran(stage)
        await by_hand(stage, {"spec": {"replicas": 0}})
        await seen(stage, bool)
        assert [one.heal for one in stage.platform.drift(PRODUCTION)] == [False]


async def test_an_autoscaler_is_never_fought_over(tmp_path: Path) -> None:
    async with on_stage(tmp_path, autoscale={"web": Autoscale(9)}) as stage:
        revision = await ran(stage, replicas=2)
        await by_hand(stage, {"spec": {"replicas": 5}}, "kube-controller-manager")
        await stage.platform.run(revision)
        found = await stage.cluster.get(DEPLOYMENT, SPACE, NAME)
        assert found is not None
        assert found["spec"]["replicas"] == 5
        assert await seen(stage, lambda found: True) == []


async def test_closing_an_environment_takes_what_we_made_and_nothing_else(stage: KubernetesStage) -> None:
    await ran(stage)
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": SPACE}, "data": {}}
    await stage.cluster.create(theirs)
    await stage.platform.stop_all(PRODUCTION)
    left = {key for key in stage.api.state.objects if key[0] not in ("replicasets", "pods")}
    assert left == {("configmaps", SPACE, "theirs"), ("namespaces", "", SPACE)}


async def test_an_environment_that_is_in_the_file_no_more_is_closed_where_it_was(tmp_path: Path) -> None:
    async with on_stage(tmp_path, namespace="elsewhere") as stage:
        revision = stage.revision("one")
        await stage.platform.run(revision)
        stage.gone = True
        await stage.restart()
        assert len(await stage.platform.observe(PRODUCTION)) == 1
        await stage.platform.stop_all(PRODUCTION)
        assert not [key for key in stage.api.state.objects if key[0] == "deployments"]


async def test_an_environment_does_not_move_away_from_what_it_runs(stage: KubernetesStage) -> None:
    revision = await ran(stage)
    stage.rules = replace(stage.rules, namespace="elsewhere")
    with pytest.raises(AdapterError, match="still has 1 Deployments in namespace pcw-production"):
        await stage.platform.run(revision)


# --- what stands around a Deployment

AROUND = {"Autoscaler": AUTOSCALER, "Budget": DISRUPTION_BUDGET, "ConfigMap": CONFIG_MAP, "Secret": SECRET}


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[tuple[KubernetesStage, Revision]]:
    """A revision with all that one can have."""
    async with on_stage(tmp_path, autoscale={"web": Autoscale(9)}) as one:
        one.env = {"LOG_LEVEL": Value("plain", "info"), "URL": Value("secret", "shop/db")}
        one.secrets = {"URL": "postgres://"}
        yield one, await ran(one, replicas=2)


async def the(stage: KubernetesStage, kind: Kind) -> dict[str, Any]:
    found, _ = await stage.cluster.list(kind, SPACE, "headgate.dev/revision=rev_one")
    (one,) = found
    return one


@pytest.mark.parametrize("kind", AROUND.values(), ids=AROUND)
async def test_what_is_deleted_around_a_deployment_is_missed_and_comes_back(
    whole: tuple[KubernetesStage, Revision], kind: Kind
) -> None:
    stage, revision = whole
    before = await the(stage, kind)
    await stage.cluster.delete(kind, SPACE, before["metadata"]["name"])
    where = f"{SPACE}/{before['metadata']['name']}"
    assert await seen(stage, bool) == [f"{kind.name} {where} was deleted"]
    assert PRODUCTION in stage.told
    await stage.platform.run(revision)
    await seen(stage, lambda found: not found)
    after = await the(stage, kind)
    assert [after.get(one) for one in ("spec", "data")] == [before.get(one) for one in ("spec", "data")]


@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        (AUTOSCALER, {"spec": {"maxReplicas": 90}}, "maxReplicas is 90, made as 9"),
        (DISRUPTION_BUDGET, {"spec": {"maxUnavailable": 2}}, "maxUnavailable is 2, made as 1"),
        (CONFIG_MAP, {"data": {"LOG_LEVEL": "debug"}}, "what it holds is kubectl-edit's"),
        (SECRET, {"data": {"URL": "ZXZpbA=="}}, "what it holds is kubectl-edit's"),
    ],
    ids=AROUND,
)
async def test_what_is_edited_around_a_deployment_is_put_back(
    whole: tuple[KubernetesStage, Revision], kind: Kind, change: dict[str, Any], told: str
) -> None:
    """An immutable object is edited by deleting it and making it anew: the API in memory lets it be edited."""
    stage, revision = whole
    before = await the(stage, kind)
    path, query = kind.path(SPACE, before["metadata"]["name"]), {"fieldManager": "kubectl-edit"}
    await stage.cluster.json("PATCH", path, "edit", query, change, MERGE)
    (found,) = await seen(stage, bool)
    assert found == f"{kind.name} {SPACE}/{before['metadata']['name']}: {told}"
    await stage.platform.run(revision)
    await seen(stage, lambda found: not found)
    after = await the(stage, kind)
    assert [after.get(one) for one in ("spec", "data")] == [before.get(one) for one in ("spec", "data")]


async def test_no_value_is_kept_of_what_is_watched_for_its_metadata(whole: tuple[KubernetesStage, Revision]) -> None:
    stage, _ = whole
    sight = stage.platform._here[PRODUCTION].sight
    kept = [*sight.secrets.objects.values(), *sight.config_maps.objects.values()]
    assert len(kept) == 2
    assert {key for one in kept for key in one} == {"metadata", "drift"}


async def test_labels_that_somebody_took_off_come_back(whole: tuple[KubernetesStage, Revision]) -> None:
    stage, revision = whole
    name = (await the(stage, CONFIG_MAP))["metadata"]["name"]
    await stage.cluster.patch(CONFIG_MAP, SPACE, name, {"metadata": {"labels": {"headgate.dev/revision": None}}})
    await seen(stage, bool)
    await stage.platform.run(revision)
    await seen(stage, lambda found: not found)
