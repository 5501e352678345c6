"""The cluster of the tests itself: an API server that authorizes, with Gateway API, and a namespace to each test."""

import os
from pathlib import Path

import pytest
from tests.kubernetes.cluster import APPLY, MISSING, Cluster, found

REAL = pytest.mark.real("kubernetes")


def test_without_one_the_reason_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.delenv("USE_EXISTING_CLUSTER", raising=False)
    with found(tmp_path) as here:
        assert here == MISSING


def test_one_that_was_promised_and_is_not_there_is_no_skip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("USE_EXISTING_CLUSTER", raising=False)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(RuntimeError, match="lacks etcd and kube-apiserver"), found(tmp_path):
        pass


@REAL
def test_it_authorizes(real_cluster: Cluster, namespace: str) -> None:
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    real_cluster.done("POST", account, {"metadata": {"name": "nobody"}})
    token = real_cluster.account_token(namespace, "nobody")
    status, answer = real_cluster.ask("GET", f"/api/v1/namespaces/{namespace}/secrets", token=token)
    assert status == 403
    assert 'cannot list resource "secrets"' in answer["message"]
    assert real_cluster.ask("GET", "/api/v1/nodes", token="of nobody")[0] == 401


@REAL
def test_a_route_has_the_defaults_of_gateway_api_and_a_status(real_cluster: Cluster, namespace: str) -> None:
    path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes"
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]},
    }
    made = real_cluster.apply(f"{path}/web", route)
    rule = made["spec"]["rules"][0]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert rule["backendRefs"][0] == {"group": "", "kind": "Service", "name": "web", "port": 80, "weight": 1}
    assert made["metadata"]["generation"] == 1
    again = real_cluster.apply(f"{path}/web", {**route, "status": {"parents": []}})
    assert "status" not in again, "status is a part of its own"
    bad = {**route, "spec": {"rules": [{"backendRefs": [{"name": "web", "weight": -1}]}]}}
    assert real_cluster.ask("PATCH", f"{path}/web?fieldManager=headgate-tests", bad, kind=APPLY)[0] == 422


@REAL
@pytest.mark.skipif("USE_EXISTING_CLUSTER" in os.environ, reason="who ends namespaces there is not our matter")
def test_a_namespace_is_gone_with_its_test(real_cluster: Cluster) -> None:
    real_cluster.make_namespace("headgate-gone")
    real_cluster.remove_namespace("headgate-gone")
    status, left = real_cluster.ask("GET", "/api/v1/namespaces/headgate-gone")
    assert status == 404 or left["status"]["phase"] == "Terminating"
