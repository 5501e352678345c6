"""Which manifest runs a service, and what is said where none or several do."""

from dataclasses import replace

import pytest
from tests.adapters.platforms.kubernetes.manifests.written import WEB, manifests

from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest, Refused
from headgate.adapters.platforms.kubernetes.manifests.workloads import find
from headgate.model.services import Service


def deployment(name: str, image: str = "x", label: str = "", kind: str = "Deployment", more: str = "") -> str:
    labels = f", labels: {{app: {label}}}" if label else ""
    pod = f"{{containers: [{{name: main, image: '{image}'}}{more}]}}"
    return f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}{labels}}}\nspec: {{template: {{spec: {pod}}}}}"


def written(*texts: str) -> list[Manifest]:
    return manifests("\n---\n".join(texts))


@pytest.mark.parametrize(
    ("service", "texts"),
    [
        (WEB, (deployment("web"), deployment("other", image="web"))),
        (WEB, (deployment("shop-web", label="web"), deployment("other", image="web"))),
        (WEB, (deployment("front", image="registry.example.org:5000/shop/web:1.2"), deployment("other"))),
        (replace(WEB, image="ghcr.io/a/site:1"), (deployment("front", image="ghcr.io/a/site:9"), deployment("x"))),
        (replace(WEB, workload="front"), (deployment("front"), deployment("web"))),
        (replace(WEB, workload="Deployment/front"), (deployment("front"), deployment("front", kind="DaemonSet"))),
    ],
    ids=["name", "label", "image built", "image run", "named", "named with its kind"],
)
def test_a_workload_is_found_by(service: Service, texts: tuple[str, ...]) -> None:
    (found,) = find(written(*texts), [service])
    assert found.manifest.content == written(*texts)[0].content


@pytest.mark.parametrize(
    ("more", "service", "container"),
    [
        ("", WEB, 0),
        (", {name: web, image: y}", WEB, 1),
        (", {name: second, image: 'a/web:1'}", WEB, 1),
        (", {name: second, image: y}", replace(WEB, workload="Deployment/web/second"), 1),
    ],
    ids=["the only one", "by name", "by image", "named"],
)
def test_its_container_is(more: str, service: Service, container: int) -> None:
    assert find(written(deployment("web", more=more)), [service])[0].container == container


@pytest.mark.parametrize(
    ("service", "texts", "said"),
    [
        (
            WEB,
            (deployment("api", image="acme/api:1"), deployment("db", kind="StatefulSet")),
            "service web's. There are: Deployment/api (acme/api:1), StatefulSet/db (x). Write `services.web.workload: ",
        ),
        (WEB, (), "There are: none at all."),
        (WEB, (deployment("a", label="web"), deployment("b", label="web")), "any of Deployment/a, Deployment/b"),
        (replace(WEB, workload="Deployment/nobody"), (deployment("web"),), "there is no Deployment/nobody"),
        (replace(WEB, workload="Deployment/web/x"), (deployment("web"),), "has no container x, but main"),
        (WEB, (deployment("web", more=", {name: b, image: y}"),), "Write `services.web.workload: Deployment/web/CONT"),
        (WEB, (deployment("web", kind="StatefulSet"),), "Two revisions of it would each have volumes of their own"),
        (WEB, (deployment("web", kind="DaemonSet"),), "cannot be counted out to two revisions"),
    ],
    ids=["none", "nothing there", "several", "no such", "no such container", "which container", "stateful", "daemon"],
)
def test_what_is_not_clear_is_said_with_what_to_write(service: Service, texts: tuple[str, ...], said: str) -> None:
    with pytest.raises(Refused) as refused:
        find(written(*texts), [service])
    assert said in str(refused.value)


def test_two_services_do_not_share_pods() -> None:
    both = [WEB, replace(WEB, name="api", workload="Deployment/web/web")]
    with pytest.raises(Refused, match="Services web and api would share its pods"):
        find(written(deployment("web", more=", {name: web, image: y}")), both)
