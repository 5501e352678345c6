"""Least privilege: what the Roles of deploy/kubernetes allow is what the adapters ask for, nothing missing or more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import kmock
import pytest
from tests.adapters.kubernetes.api import Api, kubeconfig
from tests.adapters.platforms.kubernetes.stage import KubernetesStage, on_stage
from tests.adapters.traffic.gateway_api.stage import ENDPOINTS, written
from tests.adapters.traffic.gateway_api.stage import Stage as GatewayStage
from tests.kubernetes.asked import recorded, rights
from tests.kubernetes.cluster import APPLY, JSON, Cluster
from tests.kubernetes.roles import DEPLOY, allowed, granted, objects, roles

from headgate.adapters.kubernetes.cluster import MERGE
from headgate.adapters.kubernetes.errors import OwnedByOthers
from headgate.adapters.kubernetes.kinds import (
    AUTOSCALER,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    HTTP_ROUTE,
    INGRESS,
    INGRESS_CLASS,
    SERVICE,
)
from headgate.adapters.kubernetes.lease import ClusterLease
from headgate.adapters.kubernetes.names import NAME, environment_labels, namespace_of, workload_name
from headgate.adapters.traffic.gateway_api.router import GatewayRouter
from headgate.adapters.traffic.ingress_nginx.router import IngressRouter
from headgate.model.clusters import Autoscale
from headgate.model.entrances import Entrance
from headgate.model.ids import JobId
from headgate.model.rules import Environment, Strategy
from headgate.model.services import Value
from headgate.testing.contracts.platform import PRODUCTION
from headgate.testing.contracts.traffic import CANDIDATE, Split

REAL = pytest.mark.real("kubernetes")
HERE = namespace_of(PRODUCTION)
# What nobody who deploys applications needs, and somebody who took Headgate's token would want.
NEVER = (
    ("create", "", "pods"),
    ("create", "", "pods/exec"),
    ("create", "", "pods/attach"),
    ("create", "", "pods/portforward"),
    ("create", "", "serviceaccounts/token"),
    ("update", "apps", "deployments"),
    ("deletecollection", "apps", "deployments"),
    ("deletecollection", "", "secrets"),
    ("create", "rbac.authorization.k8s.io", "roles"),
    ("create", "rbac.authorization.k8s.io", "rolebindings"),
    ("bind", "rbac.authorization.k8s.io", "roles"),
    ("escalate", "rbac.authorization.k8s.io", "roles"),
    ("impersonate", "", "users"),
    ("create", "apps", "daemonsets"),
    ("get", "", "nodes"),
    ("delete", "", "namespaces"),
    ("delete", "coordination.k8s.io", "leases"),
)


@pytest.mark.parametrize(
    ("method", "path", "query", "kind", "named"),
    [
        ("GET", "/api/v1/namespaces/a/pods", {"watch": "true"}, "", {"watch pods"}),
        ("GET", "/api/v1/namespaces/a/pods", {}, "", {"list pods"}),
        ("GET", "/api/v1/namespaces/a/pods/p/log", {}, "", {"get pods/log"}),
        ("GET", "/api/v1/namespaces/a", {}, "", {"get namespaces"}),
        ("PATCH", "/apis/apps/v1/namespaces/a/deployments/d", {}, "m", {"patch apps/deployments"}),
        (
            *("PATCH", "/apis/apps/v1/namespaces/a/deployments/d", {}, "application/apply-patch+yaml"),
            {"patch apps/deployments", "create apps/deployments"},
        ),
        ("POST", "/apis/batch/v1/namespaces/a/jobs", {}, "", {"create batch/jobs"}),
        ("GET", "/version", {}, "", set()),
        ("GET", "/apis/apps/v1", {}, "", set()),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}, "", set()),
    ],
)
def test_requests_are_named_as_rbac_does(method: str, path: str, query: Any, kind: str, named: set[str]) -> None:
    assert rights(method, path, query, kind) == named


@pytest.mark.slow
async def test_the_roles_are_what_the_adapters_ask_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In all tests of the adapters nothing else is asked for: tests/adapters/conftest.py sees to that."""
    with recorded() as asked:
        async with on_stage(tmp_path, autoscale={"web": Autoscale(3)}) as stage, asyncio.timeout(40):
            await everything(stage)
            await a_lease(ClusterLease(stage.cluster, "headgate", "headgate"))
        async with on_gateway(tmp_path, monkeypatch) as (gateway, rules, routers):
            for router in routers:
                await router.unable(PRODUCTION, rules)
                await router.set_routes(Split(ENDPOINTS)(5, preview=CANDIDATE))
                await router.observe(PRODUCTION)
            await gateway.programmed("True")  # something to be told by the watch
    assert sorted(asked - granted()) == [], "the adapters ask for what no Role of deploy/kubernetes allows"
    assert sorted(granted() - asked) == [], "the Roles of deploy/kubernetes allow what no adapter asks for"


async def everything(stage: KubernetesStage) -> None:
    """The life of an environment: a revision with all that one can have, changed by hand, migrated, read, ended."""
    stage.env = {"LOG_LEVEL": Value("plain", "info"), "DATABASE_URL": Value("secret", "shop/db")}
    stage.secrets = {"DATABASE_URL": "postgres://"}
    platform, revision = stage.platform, stage.revision("1", replicas=2)
    await platform.run(revision)
    await until(lambda: is_ready(stage))
    # The last that is applied first: each is put back before the next conflict is met.
    for kind in (AUTOSCALER, DISRUPTION_BUDGET, SERVICE, DEPLOYMENT):
        path, changed = kind.path(HERE, workload_name("web", revision.id)), {"metadata": {"labels": {NAME: "x"}}}
        await stage.cluster.json("PATCH", path, "edit", {"fieldManager": "kubectl-edit"}, changed, MERGE)
        with suppress(OwnedByOthers):  # the API server in memory knows no `force`
            await platform.run(revision)
    async for _ in platform.logs(PRODUCTION, "web", 5, follow=False):
        break
    order = stage.order("mig_1", revision, "fails")
    await platform.migrate(order)
    await until(lambda: is_over(stage, order.id))
    await platform.stop(PRODUCTION, revision.id)
    for kind in (HTTP_ROUTE, INGRESS):  # as a router leaves them
        await stage.cluster.create(written(kind, HERE, "web", environment_labels(PRODUCTION)))
    await platform.stop_all(PRODUCTION)


@asynccontextmanager
async def on_gateway(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[GatewayStage, Environment, tuple[GatewayRouter | IngressRouter, ...]]]:
    async with Api() as api, kmock.Server(api):
        file = kubeconfig(folder, str(api.url))
        monkeypatch.setenv("KUBECONFIG", str(file))
        stage = GatewayStage(file, HERE)
        await stage.begin()
        await stage.cluster.create(written(INGRESS_CLASS, None, "nginx", spec={"controller": "k8s.io/ingress-nginx"}))
        entrance = Entrance(stage.gateway, "tls", "nginx", {"web": ("shop",)}, {"web": "preview.shop"})
        rules = Environment("production", "kubernetes", entrance=entrance, strategy=Strategy("canary"))
        routers = tuple(made(lambda environment: rules, lambda name: None) for made in (GatewayRouter, IngressRouter))
        try:
            yield stage, rules, routers
        finally:
            for router in routers:
                await router.close()
            await stage.end()


async def a_lease(lease: ClusterLease) -> None:
    await lease.write(await lease.read(), "one", timedelta(seconds=15))
    await lease.write(await lease.read(), "one", timedelta(seconds=15))


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await holds():
            await asyncio.sleep(0.02)


async def is_ready(stage: KubernetesStage) -> bool:
    return any(one.state == "ready" for one in await stage.platform.observe(PRODUCTION))


async def is_over(stage: KubernetesStage, migration: JobId) -> bool:
    seen = await stage.platform.observe_migration(PRODUCTION, migration)
    return seen is not None and seen.state != "running"


@pytest.mark.parametrize("role", roles(), ids=lambda role: role["metadata"]["name"])
def test_no_rule_is_for_everything(role: dict[str, Any]) -> None:
    never = {f"{verb} {group}/{resource}" if group else f"{verb} {resource}" for verb, group, resource in NEVER}
    assert "*" not in "".join(allowed(role))
    assert never & allowed(role) == set()


# --- against a real API server, with the token of the service account


class Account:
    """Headgate's service account with the Roles of deploy/kubernetes, in a namespace of one test."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        for name in ("base/service-account.yaml", "base/lease.yaml", "environment/role.yaml"):
            for one in objects(DEPLOY / name):
                plural = f"{one['kind'].lower()}s"
                core = f"/api/v1/namespaces/{namespace}"
                where = core if one["kind"] == "ServiceAccount" else rbac
                cluster.done("POST", f"{where}/{plural}", self._bound(one))
        for one in objects(DEPLOY / "environment/role-binding.yaml"):
            cluster.done("POST", f"{rbac}/rolebindings", self._bound(one))
        self.token = cluster.account_token(namespace, "headgate")

    def _bound(self, one: dict[str, Any]) -> dict[str, Any]:
        for subject in one.get("subjects", []):
            subject["namespace"] = self.namespace
        return one

    def ask(self, method: str, path: str, body: Any = None, kind: str = JSON) -> tuple[int, dict[str, Any]]:
        return self.cluster.ask(method, path, body, self.token, kind)

    def may(self, verb: str, group: str, resource: str, name: str = "", namespace: str | None = None) -> bool:
        plural, _, part = resource.partition("/")
        wanted = {"verb": verb, "group": group, "resource": plural, "subresource": part, "name": name}
        wanted["namespace"] = self.namespace if namespace is None else namespace
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        status, answer = self.ask("POST", path, {**review, "spec": {"resourceAttributes": wanted}})
        assert status == 201, answer
        return bool(answer["status"]["allowed"])


@pytest.fixture
def account(real_cluster: Cluster, namespace: str) -> Account:
    return Account(real_cluster, namespace)


def of_environments() -> set[tuple[str, str, str]]:
    """Verb, group, resource."""
    return {
        (verb, group, resource)
        for rule in objects(DEPLOY / "environment/role.yaml")[0]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@REAL
def test_the_service_account_may_do_what_its_roles_say(account: Account) -> None:
    assert [one for one in sorted(of_environments()) if not account.may(*one)] == []


@REAL
def test_and_nothing_else(account: Account) -> None:
    assert [one for one in NEVER if account.may(*one)] == []
    elsewhere = [one for one in sorted(of_environments()) if account.may(*one, namespace="kube-system")]
    assert elsewhere == []
    assert account.may("patch", "coordination.k8s.io", "leases", "headgate")
    assert not account.may("patch", "coordination.k8s.io", "leases", "somebody-elses")


@REAL
def test_what_it_needs_works_and_the_rest_is_refused(account: Account) -> None:
    here = f"/api/v1/namespaces/{account.namespace}"
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "immutable": True}
    assert account.ask("PATCH", f"{here}/configmaps/web?fieldManager=headgate", wanted, APPLY)[0] == 201
    assert account.ask("DELETE", f"{here}/configmaps/web")[0] == 200
    assert account.ask("GET", f"{here}/pods")[0] == 200
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{account.namespace}/leases"
    lease = {"metadata": {"name": "headgate"}, "spec": {"holderIdentity": "one", "leaseDurationSeconds": 15}}
    assert account.ask("POST", leases, lease)[0] == 201
    renewed = {"spec": {"holderIdentity": "one"}}
    assert account.ask("PATCH", f"{leases}/headgate", renewed, "application/merge-patch+json")[0] == 200
    for method, path, body in [
        ("GET", "/api/v1/namespaces/kube-system/secrets", None),
        ("GET", "/api/v1/secrets", None),
        ("GET", "/api/v1/nodes", None),
        ("POST", f"{here}/pods", {"metadata": {"name": "shell"}, "spec": {"containers": []}}),
        ("POST", f"{here}/serviceaccounts/headgate/token", {"spec": {}}),
        ("DELETE", f"/api/v1/namespaces/{account.namespace}", None),
        ("DELETE", f"{leases}/headgate", None),
    ]:
        status, answer = account.ask(method, path, body)
        assert (status, answer["reason"]) == (403, "Forbidden"), (method, path)
