"""Least privilege: what the Roles of deploy/kubernetes allow is what the adapters ask for, nothing missing or more."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kubernetes.asked import WRITTEN, rights
from tests.kubernetes.cluster import APPLY, JSON, Cluster

REAL = pytest.mark.real("kubernetes")
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
ROLES = ("base/lease.yaml", "environment/role.yaml", "overlays/cluster/namespaces.yaml")
# Whose requests are counted: those that our adapters make in their own tests.
SUITES = (
    "tests/adapters/kubernetes/test_lease.py",
    "tests/adapters/platforms/kubernetes",
    "tests/adapters/traffic/gateway_api",
    "tests/adapters/traffic/ingress_nginx",
)
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
    ("watch", "", "secrets"),
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


def objects(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def allowed(role: dict[str, Any]) -> set[str]:
    return {
        f"{verb} {group}/{resource}" if group else f"{verb} {resource}"
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def roles() -> list[dict[str, Any]]:
    return [one for name in ROLES for one in objects(DEPLOY / name) if one["kind"] in ("Role", "ClusterRole")]


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
@pytest.mark.timeout(180)
def test_the_roles_are_what_the_adapters_ask_for(tmp_path: Path) -> None:
    suites = [one for one in SUITES if (ROOT / one).exists()]
    file = tmp_path / "asked"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.kubernetes.asked", "-p", "no:xdist", *suites]
    command += ["-m", "not real and not slow"]
    environment = {**os.environ, WRITTEN: str(file), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    asked = set(file.read_text().splitlines())
    granted = set().union(*(allowed(role) for role in roles()))
    assert sorted(asked - granted) == [], "the adapters ask for what no Role of deploy/kubernetes allows"
    assert sorted(granted - asked) == [], "the Roles of deploy/kubernetes allow what no adapter asks for"


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
