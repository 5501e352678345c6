"""Platform `kubernetes` against a real API server: defaults, validation, owners of fields and quotas are its own.

Pods are the tests' own: what no controller and no kubelet makes, tests/adapters/kubernetes/controllers.py does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from tests.adapters.kubernetes.controllers import Controllers
from tests.kubernetes.cluster import Cluster as RealCluster

from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.errors import Forbidden, Invalid, NotFound, OwnedByOthers
from headgate.adapters.kubernetes.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    JOB,
    SECRET,
    SERVICE,
)
from headgate.adapters.kubernetes.login import Access
from headgate.adapters.kubernetes.names import workload_name
from headgate.adapters.kubernetes.watching import Mirror, Selection
from headgate.adapters.platforms.kubernetes.platform import KubernetesPlatform
from headgate.adapters.platforms.kubernetes.settings import KubernetesSettings
from headgate.model.clusters import Autoscale, ClusterRules
from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId
from headgate.model.migrations import Migration
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.rules import Environment
from headgate.model.schema import MigrationOrder
from headgate.model.services import Container, Service, Value
from headgate.ports import AdapterError

pytestmark = [pytest.mark.real("kubernetes"), pytest.mark.timeout(120)]
WHERE = EnvironmentId("pcw/production")
OPEN = Container(memory=64 << 20, cpus=0.25, capabilities=("NET_BIND_SERVICE",), user="1000:1000")
WEB = Service(
    "web", ("run", "well"), 8000, image="r.example.org/web@sha256:" + "0" * 64, replicas=2,
    env={"LOG_LEVEL": Value("plain", "info"), "KEY": Value("secret", "shop/key", as_file=True)}, container=OPEN,
)  # fmt: skip


class Stage:
    def __init__(self, folder: Path, kubeconfig: Path, namespace: str, **options: object) -> None:
        self.namespace = namespace
        self.cluster = Cluster(Access(str(kubeconfig)))
        rules = ClusterRules(kubeconfig=str(kubeconfig), namespace=namespace, **options)  # type: ignore[arg-type]
        self.told = asyncio.Event()

        async def secrets(revision: Revision, service: str) -> dict[str, str]:
            return {"KEY": "value"}

        self.platform = KubernetesPlatform(
            KubernetesSettings(folder / "data", folder / "releases"),
            lambda environment: self.told.set(),
            lambda environment: Environment("production", "kubernetes", cluster=rules),
            secrets,
        )

    def revision(self, name: str) -> Revision:
        known = (RevisionId(f"rev_{name}"), WHERE, ReleaseId("rel_1"), "c" * 40, name)
        return Revision(*known, (WEB,), {"shop/key": "1"})

    async def seen(self, holds: Callable[[Sequence[Instance]], bool]) -> Sequence[Instance]:
        async with asyncio.timeout(20):
            while not holds(found := await self.platform.observe(WHERE)):
                self.told.clear()
                try:
                    async with asyncio.timeout(0.5):
                        await self.told.wait()
                except TimeoutError:
                    continue
        return found

    async def close(self) -> None:
        await self.platform.close()
        await self.cluster.close()


@pytest.fixture
async def stage(tmp_path: Path, real_cluster: RealCluster, namespace: str) -> AsyncIterator[Stage]:
    one = Stage(tmp_path, real_cluster.kubeconfig, namespace)
    yield one
    await one.close()


@pytest.fixture
async def controllers(stage: Stage, real_cluster: RealCluster) -> AsyncIterator[Controllers]:
    """Where the cluster has none of its own that make pods run."""
    if real_cluster.has_a_ready_node():
        pytest.skip("a cluster with nodes has controllers of its own, and no image of this test")
    real_cluster.ask("POST", f"/api/v1/namespaces/{stage.namespace}/serviceaccounts", {"metadata": {"name": "default"}})
    one = Controllers(stage.cluster, stage.namespace)
    one.start()
    yield one
    await one.close()


async def test_a_revision_runs_is_found_again_and_goes(stage: Stage, controllers: Controllers) -> None:
    one = stage.revision("0123456789ab")
    await stage.platform.run(one)
    ready = await stage.seen(lambda seen: [x.state for x in seen] == ["ready"] * 2)
    assert {x.revision for x in ready} == {one.id}
    assert list(stage.platform.drift(WHERE)) == [], "what the API server adds and writes anew is no drift"
    before = await stage.cluster.get(DEPLOYMENT, stage.namespace, "web-0123456789ab")
    await stage.platform.run(one)
    after = await stage.cluster.get(DEPLOYMENT, stage.namespace, "web-0123456789ab")
    assert before is not None
    assert after is not None
    assert before["metadata"]["generation"] == after["metadata"]["generation"]
    await stage.platform.stop(WHERE, one.id)
    await stage.seen(lambda seen: not seen)
    for kind in (DEPLOYMENT, SERVICE, CONFIG_MAP):
        found, _ = await stage.cluster.list(kind, stage.namespace, "headgate.dev/revision")
        assert found == []


async def test_hands_are_put_back_and_controllers_are_not_contradicted(stage: Stage) -> None:
    one, name = stage.revision("one"), workload_name("web", RevisionId("rev_one"))
    await stage.platform.run(one)
    path = DEPLOYMENT.path(stage.namespace, name)

    async def scale(manager: str, replicas: int) -> None:
        query = {"fieldManager": manager}
        body = {"spec": {"replicas": replicas}}
        await stage.cluster.json("PATCH", path, "scale", query, body, "application/merge-patch+json")

    await scale("kubectl-edit", 0)
    async with asyncio.timeout(5):
        while not stage.platform.drift(WHERE):
            await stage.told.wait()
            stage.told.clear()
            await stage.platform.observe(WHERE)
    assert "replicas is 0, made as 2" in stage.platform.drift(WHERE)[0].what
    await stage.platform.run(one)
    assert list(stage.platform.drift(WHERE)) == []
    await scale("keda-operator", 7)
    with pytest.raises(OwnedByOthers) as caught:
        await stage.platform.run(one)
    assert caught.value.owners == (("keda-operator", ".spec.replicas"),)


async def test_a_migration_is_one_job_however_often_it_is_asked_for(stage: Stage) -> None:
    order = MigrationOrder(JobId("migration-web-1-1"), stage.revision("one"), "web", Migration(1, "true", "expand"))
    for _ in range(2):
        await stage.platform.migrate(order)
        seen = await stage.platform.observe_migration(WHERE, order.id)
        assert seen is not None
        assert seen.state == "running"
    found, _ = await stage.cluster.list(JOB, stage.namespace)
    assert len(found) == 1
    await stage.platform.stop_all(WHERE)


async def test_pods_pass_the_strictest_pod_security_standard(
    stage: Stage, controllers: Controllers, real_cluster: RealCluster
) -> None:
    strict = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    real_cluster.done("PATCH", f"/api/v1/namespaces/{stage.namespace}", strict, "application/merge-patch+json")
    await stage.platform.run(stage.revision("one"))
    await stage.seen(lambda seen: [one.state for one in seen] == ["ready"] * 2)


async def test_a_quota_that_is_full_is_told_as_the_server_says_it(
    stage: Stage, controllers: Controllers, real_cluster: RealCluster
) -> None:
    """A quota on objects that Headgate makes itself: no controller stands between."""
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"count/configmaps": "0"}}}
    where = f"/api/v1/namespaces/{stage.namespace}/resourcequotas"
    real_cluster.done("POST", where, quota)
    real_cluster.ask("PATCH", f"{where}/small/status", {"status": quota["spec"]}, kind="application/merge-patch+json")
    with pytest.raises(AdapterError, match=r"exceeded quota: small|status unknown for quota"):
        await stage.platform.run(stage.revision("one"))


async def test_an_autoscaler_has_the_replicas_to_itself(
    tmp_path: Path, real_cluster: RealCluster, namespace: str
) -> None:
    stage = Stage(tmp_path, real_cluster.kubeconfig, namespace, autoscale={"web": Autoscale(9)})
    try:
        one, name = stage.revision("one"), workload_name("web", RevisionId("rev_one"))
        await stage.platform.run(one)
        begun = await stage.cluster.get(DEPLOYMENT, namespace, name)
        assert begun is not None
        assert begun["spec"]["replicas"] == 2, "at once: an autoscaler takes 15 s"
        path, body = DEPLOYMENT.path(namespace, name, "scale"), {"spec": {"replicas": 5}}
        query = {"fieldManager": "kube-controller-manager"}
        await stage.cluster.json("PATCH", path, "scale", query, body, "application/merge-patch+json")
        await stage.platform.run(one)
        found = await stage.cluster.get(DEPLOYMENT, namespace, name)
        assert found is not None
        assert found["spec"]["replicas"] == 5
        await stage.seen(lambda seen: len(seen) == 5)
        assert list(stage.platform.drift(WHERE)) == []
    finally:
        await stage.close()


async def test_what_stands_around_a_deployment_is_put_back_and_no_value_is_sent_to_see_it(
    tmp_path: Path, real_cluster: RealCluster, namespace: str
) -> None:
    stage = Stage(tmp_path, real_cluster.kubeconfig, namespace, autoscale={"web": Autoscale(9)})
    bare = Mirror(stage.cluster, Selection(SECRET, namespace, metadata=True), keep=dict)
    try:
        one = stage.revision("one")
        await stage.platform.run(one)
        await stage.seen(lambda seen: not stage.platform.drift(WHERE))
        ((_, name),) = await bare.current()
        forged = await stage.cluster.get(SECRET, namespace, name)
        assert forged is not None
        labels, kept = forged["metadata"]["labels"], forged["data"]
        await stage.cluster.delete(SECRET, namespace, name)
        forged |= {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "data": {"KEY": "ZXZpbA=="}}
        query = {"fieldManager": "kubectl-create"}
        await stage.cluster.json("POST", SECRET.path(namespace), "make it", query, forged)
        for kind in (AUTOSCALER, DISRUPTION_BUDGET, CONFIG_MAP):
            (made,), _ = await stage.cluster.list(kind, namespace, f"headgate.dev/revision={one.id}")
            await stage.cluster.delete(kind, namespace, made["metadata"]["name"])
        await stage.seen(lambda seen: len(stage.platform.drift(WHERE)) == 4)
        told = [one.what.split()[0] for one in stage.platform.drift(WHERE)]
        assert told == [CONFIG_MAP.name, AUTOSCALER.name, DISRUPTION_BUDGET.name, SECRET.name]
        await stage.platform.run(one)
        await stage.seen(lambda seen: not stage.platform.drift(WHERE))
        found = await stage.cluster.get(SECRET, namespace, name)
        assert found is not None
        assert found["data"] == kept
        assert [one.keys() & {"data", "immutable"} for one in (await bare.current()).values()] == [set()]
    finally:
        await bare.close()
        await stage.close()


async def test_what_the_server_refuses_is_told_with_the_remedy(stage: Stage, real_cluster: RealCluster) -> None:
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Not A Name", "namespace": stage.namespace}}
    with pytest.raises(Invalid, match="Not A Name"):
        await stage.cluster.create(found)
    nowhere = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "headgate-nowhere"}}
    with pytest.raises(NotFound, match="create_namespace: true"):
        await stage.cluster.apply(nowhere)


async def test_a_service_account_without_rights_is_told_the_rule_to_add(
    stage: Stage, real_cluster: RealCluster, tmp_path: Path
) -> None:
    where = f"/api/v1/namespaces/{stage.namespace}/serviceaccounts"
    real_cluster.ask("POST", where, {"metadata": {"name": "nobody"}})
    token = real_cluster.account_token(stage.namespace, "nobody")
    authority = f', certificate-authority: "{real_cluster.authority}"' if real_cluster.authority else ""
    path = tmp_path / "nobody"
    path.write_text(
        f"""apiVersion: v1
kind: Config
current-context: nobody
clusters: [{{name: a, cluster: {{server: "{real_cluster.url}"{authority}}}}}]
contexts: [{{name: nobody, context: {{cluster: a, user: a}}}}]
users: [{{name: a, user: {{token: "{token}"}}}}]
"""
    )
    nobody = Cluster(Access(str(path)))
    try:
        with pytest.raises(Forbidden) as caught:
            await nobody.list(DEPLOYMENT, stage.namespace)
    finally:
        await nobody.close()
    assert f"a Role in namespace {stage.namespace}" in str(caught.value)
    assert '{apiGroups: ["apps"], resources: [deployments], verbs: [list]}' in str(caught.value)
    assert token not in str(caught.value)
