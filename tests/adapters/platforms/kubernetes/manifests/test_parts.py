"""All manifests of a release, as objects of one revision and of the environment."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from tests.adapters.platforms.kubernetes.manifests.written import BUILT, SHOP, WEB, made, manifests

from headgate.adapters.platforms.kubernetes.manifests.manifest import Refused
from headgate.adapters.platforms.kubernetes.manifests.parts import Parts, Told, beside, revised, sort
from headgate.adapters.platforms.kubernetes.manifests.swap import deployment

INGRESS = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: x}\nspec: {tls: [{secretName: keys}]}"
TARGET = "{scaleTargetRef: {kind: Deployment, name: web}}"
SCALER = f"apiVersion: keda.sh/v1\nkind: ScaledObject\nmetadata: {{name: x}}\nspec: {TARGET}"
TOLD = {"LOG_LEVEL", "PORT"}
LABELS = {"app.kubernetes.io/managed-by": "headgate", "headgate.dev/environment": "qa"}


def sorted_(text: str = SHOP) -> Parts:
    return sort(manifests(text), [WEB], "shop-qa", ())


def swapped(text: str = SHOP) -> dict[str, Any]:
    return deployment(sorted_(text).workloads["web"], made(), TOLD)


def container(text: str = SHOP) -> dict[str, Any]:
    found: dict[str, Any] = swapped(text)["spec"]["template"]["spec"]["containers"][0]
    return found


def test_everything_has_its_place() -> None:
    parts = sorted_()
    assert [one.title for one in parts.services["web"]] == ["Service/shop-web"]
    assert [one.title for one in parts.budgets["web"]] == ["PodDisruptionBudget/web"]
    assert [one.title for one in parts.autoscalers["web"]] == ["HorizontalPodAutoscaler/web"]
    assert [one.kind for one in parts.contents] == ["ConfigMap", "Secret"]
    assert [one.kind for one in parts.beside] == ["ServiceAccount", "CronJob", "StatefulSet"]


def test_a_deployment_is_its_revisions_by_name_labels_and_selector() -> None:
    found = swapped()
    assert found["metadata"]["name"] == "web-0123"
    assert found["metadata"]["labels"]["tier"] == "front"
    assert found["metadata"]["labels"]["app.kubernetes.io/name"] == "shop-web"  # policies of theirs select by it
    assert found["spec"]["selector"] == made()["spec"]["selector"]
    template = found["spec"]["template"]["metadata"]
    assert template["labels"]["app"] == "web"
    assert template["annotations"] == {"team": "red", "headgate.dev/x": "y"}
    assert made()["spec"]["selector"]["matchLabels"].items() <= template["labels"].items()


def test_the_image_and_the_configuration_are_the_revisions() -> None:
    own = container()
    assert own["image"] == BUILT
    assert own["env"] == [{"name": "OWN", "value": "1"}, *made()["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert [one["configMapRef"]["name"] for one in own["envFrom"]][1:] == ["web-cfg-1"]
    assert own["resources"] == {"requests": {"cpu": "100m"}}
    assert own["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert [one["mountPath"] for one in own["volumeMounts"]] == ["/keys", "/run/secrets"]
    assert "securityContext" not in own


def test_files_with_secrets_can_be_read_by_who_is_not_root() -> None:
    """By the team's own group for volumes, else by all in that container: a group of ours would take their volumes."""

    def mode(text: str) -> int:
        spec = swapped(text)["spec"]["template"]["spec"]
        (volume,) = [one for one in spec["volumes"] if one["name"] == "headgate-secrets"]
        return int(volume["projected"]["defaultMode"])

    own = "      securityContext: {fsGroup: 2000}\n      initContainers:"
    assert mode(SHOP) == 0o444
    assert mode(SHOP.replace("      initContainers:", own)) == 0o440


def test_others_of_the_pod_keep_their_image_unless_it_is_the_same_repositorys() -> None:
    pod = swapped()["spec"]["template"]["spec"]
    assert pod["containers"][1]["image"] == "registry.example.org/proxy:1"
    assert pod["initContainers"][0]["image"] == BUILT
    assert pod["serviceAccountName"] == "web"


def test_contents_are_named_after_what_they_hold() -> None:
    def names(text: str) -> tuple[str, str]:
        parts = sorted_(text)
        settings = parts.contents[0]
        assert settings.content["immutable"] is True
        own = deployment(parts.workloads["web"], made(), TOLD)["spec"]["template"]["spec"]
        assert own["containers"][0]["envFrom"][0] == {"configMapRef": {"name": settings.name}}
        assert own["volumes"][1]["projected"]["sources"][0]["configMap"]["name"] == settings.name
        assert own["volumes"][0]["secret"]["secretName"] == parts.contents[1].name
        return settings.name, parts.contents[1].name

    before, after = names(SHOP), names(SHOP.replace("COLOUR: red", "COLOUR: blue"))
    assert before[0] != after[0]
    assert before[1] == after[1]
    assert before == names(SHOP.replace("part: web", "part: other"))
    assert before[0].startswith("settings-")


def test_what_somebody_else_reads_by_its_name_keeps_it_too() -> None:
    parts = sorted_(f"{SHOP}---\n{INGRESS}")
    assert "Secret/keys" in [one.title for one in parts.beside]
    assert [one.name.partition("-")[0] for one in parts.contents] == ["settings", "keys"]


def noted(content: dict[str, Any]) -> dict[str, Any]:
    return {**content, "noted": True}


def test_a_service_of_theirs_is_led_by_the_router() -> None:
    (found,) = [one for one in beside(sorted_(), {}, LABELS, "shop-qa") if one["kind"] == "Service"]
    assert found["metadata"]["name"] == "shop-web"
    assert found["metadata"]["annotations"] == {"a": "b"}
    led = {"headgate.dev/follows": "stable", "headgate.dev/service": "web"}
    assert led.items() <= found["metadata"]["labels"].items()
    assert found["spec"] == {
        "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        "sessionAffinity": "ClientIP",
    }


def test_budgets_and_autoscalers_are_the_revisions() -> None:
    port = {"name": "http", "port": 8000, "targetPort": "http"}
    own = {"kind": "Service", "metadata": {"name": "web-0123"}, "spec": {"ports": [port]}}
    scaled, kept = {"kind": "HorizontalPodAutoscaler"}, {"kind": "PodDisruptionBudget"}
    ours = [{"kind": "ConfigMap", "data": {}}, own, made(), kept, scaled]
    service = replace(WEB, replicas=3)
    parts = sort(manifests(SHOP.replace("replicas: 2", "replicas: 3")), [service], "shop-qa", ())
    found = {one["kind"]: one for one in revised(parts, service, ours, Told(False, noted))}
    assert list(found) == [one["kind"] for one in ours]
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == 8000  # by number: theirs may have another name
    kept = found["PodDisruptionBudget"]
    assert (kept["spec"]["minAvailable"], kept["spec"]["selector"]) == (1, made()["spec"]["selector"])
    scaled = found["HorizontalPodAutoscaler"]
    assert scaled["spec"]["scaleTargetRef"]["name"] == "web-0123"
    assert (scaled["spec"]["minReplicas"], scaled["spec"]["maxReplicas"]) == (3, 5)  # a rollout waits for three
    assert "replicas" not in found["Deployment"]["spec"]
    assert all(found[kind]["metadata"]["name"] == "web-0123" for kind in list(found)[1:])
    assert [kind for kind in found if found[kind].get("noted")] == ["Service", "Deployment"]


def test_what_stands_beside_gets_the_image_and_labels_and_stays_otherwise() -> None:
    objects = {one["kind"]: one for one in beside(sorted_(), {"web": BUILT}, LABELS, "shop-qa")}
    nightly = objects["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert nightly["image"] == BUILT
    assert nightly["envFrom"][0]["configMapRef"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert objects["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]["image"] == "postgres:17"
    assert all(LABELS.items() <= one["metadata"]["labels"].items() for one in objects.values())
    assert {one["metadata"]["namespace"] for one in objects.values()} == {"shop-qa"}


def test_equal_manifests_give_equal_objects_and_stay_as_they_were() -> None:
    read = manifests()
    before = deepcopy([one.content for one in read])
    parts = sort(read, [WEB], "shop-qa", ())
    first = [deployment(parts.workloads["web"], made(), TOLD), *beside(parts, {"web": BUILT}, LABELS, "shop-qa")]
    again = [swapped(), *beside(sorted_(), {"web": BUILT}, LABELS, "shop-qa")]
    assert first == again
    assert [one.content for one in read] == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("replicas: 2", "replicas: 10"), "found 10. headgate.yaml says 2: write `services.web.replicas: 10`"),
        (("containerPort: 8000", "containerPort: 9000"), "found 9000. services.web.port is 8000"),
    ],
    ids=["instances", "port"],
)
def test_what_the_file_says_otherwise_is_not_guessed(change: tuple[str, str], said: str) -> None:
    with pytest.raises(Refused) as refused:
        swapped(SHOP.replace(*change))
    assert said in str(refused.value)


def test_an_environment_that_says_how_many_is_obeyed() -> None:
    workload = sorted_(SHOP.replace("replicas: 2", "replicas: 10")).workloads["web"]
    assert deployment(workload, made(), TOLD, counted=True)["spec"]["replicas"] == 2


def test_whoever_steers_a_deployment_by_name_is_refused() -> None:
    with pytest.raises(Refused, match="only a HorizontalPodAutoscaler follows them"):
        sort(manifests(f"{SHOP}---\n{SCALER}"), [WEB], "shop-qa", ("ScaledObject.keda.sh",))


def test_a_service_for_two_services_pods_is_refused() -> None:
    api = SHOP.split("---")[0].replace("name: web,", "name: api,", 1)
    services = [WEB, replace(WEB, name="api", workload="Deployment/api/web")]
    with pytest.raises(Refused, match="It leads to pods of web and api"):
        sort(manifests(f"{SHOP}---\n{api}"), services, "shop-qa", ())


def test_the_port_that_is_routed_to_comes_first() -> None:
    """An instance's address is the pod's with the first port; routes count as set when they lead to that."""
    text = SHOP.replace("{name: http, containerPort: 8000}", "{containerPort: 9090}, {name: http, containerPort: 8000}")
    assert [one["containerPort"] for one in container(text)["ports"]] == [8000, 9090]
