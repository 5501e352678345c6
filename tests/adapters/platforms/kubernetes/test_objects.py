"""What a revision is in a cluster: closed by default, named and labelled so that it is found again."""

from dataclasses import replace
from typing import Any

import pytest

from headgate.adapters.kubernetes.kinds import DEPLOYMENT
from headgate.adapters.platforms.kubernetes.objects import workload
from headgate.adapters.platforms.kubernetes.pods import READERS
from headgate.adapters.platforms.kubernetes.snapshots import snapshot
from headgate.model.clusters import Autoscale, ClusterRules
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId
from headgate.model.releases import Revision
from headgate.model.secrets import SecretReference, SecretRules
from headgate.model.services import Container, Service, Value
from headgate.ports import AdapterError

SPACE = "pcw-production"
WEB = Service("web", (), 8000, image="r.example.org/web@sha256:0", replicas=2)


def revision(service: Service = WEB, versions: dict[str, str] | None = None) -> Revision:
    where = EnvironmentId("pcw/production")
    known = (RevisionId("rev_0123456789ab"), where, ReleaseId("rel_1"), "c" * 40, "v1")
    return Revision(*known, (service,), versions or {})


def made(service: Service = WEB, rules: ClusterRules | None = None, **secrets: str) -> dict[str, dict[str, Any]]:
    found = snapshot(revision(service), service, SPACE, {"PORT": "8000"}, secrets, {})
    objects = workload(revision(service), service, SPACE, service.command, found, rules or ClusterRules())
    return {one["kind"]: one for one in objects}


def pod(service: Service = WEB, rules: ClusterRules | None = None, **secrets: str) -> dict[str, Any]:
    return dict(made(service, rules, **secrets)["Deployment"]["spec"]["template"]["spec"])


def test_a_revision_has_a_deployment_a_service_a_budget_and_its_configuration() -> None:
    objects = made()
    assert list(objects) == ["ConfigMap", "Deployment", "Service", "PodDisruptionBudget"]
    assert {one["metadata"]["namespace"] for one in objects.values()} == {SPACE}
    assert {one["metadata"]["labels"]["headgate.dev/revision"] for one in objects.values()} == {"rev_0123456789ab"}
    assert objects["Deployment"]["metadata"]["name"] == "web-0123456789ab"
    assert objects["Service"]["spec"]["selector"] == objects["Deployment"]["spec"]["selector"]["matchLabels"]


def test_pods_are_closed_by_default() -> None:
    spec = pod()
    (container,) = spec["containers"]
    assert spec["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}, "runAsNonRoot": True}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False


def test_the_ways_out_are_named_in_the_file() -> None:
    own = Container(read_only=False, capabilities=("NET_BIND_SERVICE",), user="1000:1001", memory=1 << 29, cpus=0.5)
    rules = ClusterRules(security="baseline", service_account="web", token=True, pull_secrets=("login",))
    spec = pod(replace(WEB, container=own), rules)
    (container,) = spec["containers"]
    assert "runAsNonRoot" not in spec["securityContext"]
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsGroup"]) == (1000, 1001)
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
    assert container["resources"]["limits"] == {"memory": str(1 << 29), "cpu": "500m"}
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("web", True)
    assert spec["imagePullSecrets"] == [{"name": "login"}]


def test_who_scales_has_the_replicas_and_nobody_else() -> None:
    objects = made(rules=ClusterRules(autoscale={"web": Autoscale(10)}))
    assert "replicas" not in objects["Deployment"]["spec"]
    scaler = objects["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 10)
    assert scaler["scaleTargetRef"]["name"] == objects["Deployment"]["metadata"]["name"]
    assert made()["Deployment"]["spec"]["replicas"] == 2


def test_a_single_instance_has_no_budget_that_would_keep_its_node_from_being_emptied() -> None:
    assert "PodDisruptionBudget" not in made(replace(WEB, replicas=1))


def test_configuration_is_immutable_and_named_by_what_it_holds() -> None:
    one = snapshot(revision(), WEB, SPACE, {"A": "1"}, {}, {}).objects[0]
    same = snapshot(revision(), WEB, SPACE, {"A": "1"}, {}, {}).objects[0]
    other = snapshot(revision(), WEB, SPACE, {"A": "2"}, {}, {}).objects[0]
    assert one["immutable"] is True
    assert one["metadata"]["name"] == same["metadata"]["name"] != other["metadata"]["name"]


def test_a_secret_is_named_by_its_version_and_never_by_its_value() -> None:
    service = replace(WEB, env={"URL": Value("secret", "shop/db")})

    def name(value: str, version: str) -> str:
        found = snapshot(revision(service, {"shop/db": version}), service, SPACE, {}, {"URL": value}, {})
        return str(found.objects[1]["metadata"]["name"])

    assert name("first", "1") == name("second", "1") != name("first", "2")


def test_secrets_reach_a_container_by_variable_or_by_file() -> None:
    env = {"URL": Value("secret", "shop/db"), "KEY": Value("secret", "shop/key", as_file=True)}
    spec = pod(replace(WEB, env=env), URL="postgres://", KEY="---")
    (container,) = spec["containers"]
    assert [one["name"] for one in container["env"]] == ["URL"]
    (volume,) = [one for one in spec["volumes"] if one["name"] == "secrets"]
    assert volume["projected"]["sources"][0]["secret"]["items"] == [{"key": "KEY", "path": "KEY"}]
    assert "postgres" not in str(spec)
    assert (volume["projected"]["defaultMode"], spec["securityContext"]["fsGroup"]) == (0o440, READERS)
    own = pod(replace(WEB, env=env, container=Container(user="1000:1001")), KEY="---")
    assert own["securityContext"]["fsGroup"] == 1001


def test_a_secret_of_the_cluster_is_pointed_at_and_not_read() -> None:
    reference = SecretReference(SecretRules("kubernetes"), "pcw-production/database#url", "1")
    found = snapshot(revision(), WEB, SPACE, {}, {}, {"URL": reference})
    assert found.references == [{"name": "URL", "valueFrom": {"secretKeyRef": {"name": "database", "key": "url"}}}]
    elsewhere = replace(reference, name="vault/database#url")
    with pytest.raises(AdapterError, match="is in namespace vault: pods in pcw-production cannot read it"):
        snapshot(revision(), WEB, SPACE, {}, {}, {"URL": elsewhere})


def test_the_kubelet_fills_nothing_in_a_second_time() -> None:
    assert pod(replace(WEB, command=("run", "$(PORT)")))["containers"][0]["command"] == ["run", "$$(PORT)"]


def test_names_fit_however_long_a_service_is() -> None:
    objects = made(replace(WEB, name="a" * 39))
    assert all(len(one["metadata"]["name"]) <= 63 for one in objects.values())
    assert DEPLOYMENT.path(SPACE, objects["Deployment"]["metadata"]["name"]).endswith("0123456789ab")
