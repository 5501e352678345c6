"""The client against an API server in memory: verbs, server-side apply, and every refusal with its remedy."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import kmock
import pytest
from tests.adapters.kubernetes.api import Api, kubeconfig

from headgate.adapters.kubernetes import errors
from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.kinds import CONFIG_MAP, DEPLOYMENT, NAMESPACE, POD
from headgate.adapters.kubernetes.login import Access
from headgate.ports import AdapterError, Away

SPACE = "pcw-production"


def config(name: str = "one", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": SPACE}, "data": data}


async def test_what_is_applied_is_there_and_what_is_left_out_next_time_goes(cluster: Cluster) -> None:
    await cluster.apply(config(a="1", b="2"))
    await cluster.apply(config(a="1"))
    found = await cluster.get(CONFIG_MAP, SPACE, "one")
    assert found is not None
    assert found["data"] == {"a": "1"}


async def test_applying_the_same_again_changes_nothing(cluster: Cluster) -> None:
    first = await cluster.apply(config(a="1"))
    again = await cluster.apply(config(a="1"))
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_a_field_of_somebody_else_is_named_with_its_owner_and_not_overwritten(cluster: Cluster) -> None:
    await cluster.apply(config(a="1"))
    path = CONFIG_MAP.path(SPACE, "one")
    query = {"fieldManager": "kubectl-edit"}
    await cluster.json("PATCH", path, "edit", query, {"data": {"a": "edited"}}, "application/merge-patch+json")
    with pytest.raises(errors.OwnedByOthers, match=r"\.data\.a is kubectl-edit's; nothing was changed") as caught:
        await cluster.apply(config(a="1"))
    assert caught.value.owners == (("kubectl-edit", ".data.a"),)
    found = await cluster.get(CONFIG_MAP, SPACE, "one")
    assert found is not None
    assert found["data"] == {"a": "edited"}


async def test_lists_are_selected_by_label_and_say_what_their_items_are(cluster: Cluster) -> None:
    for name, who in (("one", "a"), ("two", "b")):
        object = config(name)
        object["metadata"]["labels"] = {"who": who}
        await cluster.create(object)
    items, version = await cluster.list(CONFIG_MAP, SPACE, {"who": "b"})
    assert [(one["kind"], one["metadata"]["name"]) for one in items] == [("ConfigMap", "two")]
    assert version


async def test_long_lists_come_page_by_page(api: Api, cluster: Cluster) -> None:
    pages = [
        {"metadata": {"resourceVersion": "7", "continue": "next"}, "items": [{"metadata": {"name": "a"}}]},
        {"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "b"}}]},
    ]
    asked = []

    def page(request: kmock.Request) -> Any:
        asked.append(request.params.get("continue"))
        return pages[len(asked) - 1]

    api["list", kmock.resource("v1/pods")] << page
    items, version = await cluster.list(POD, SPACE)
    assert [one["metadata"]["name"] for one in items] == ["a", "b"]
    assert (asked, version) == ([None, "next"], "7")


async def test_what_is_deleted_twice_is_no_error_and_another_of_its_name_is_left_alone(cluster: Cluster) -> None:
    made = await cluster.create(config())
    with pytest.raises(errors.Conflicted):
        await cluster.delete(CONFIG_MAP, SPACE, "one", uid="somebody-else")
    assert await cluster.delete(CONFIG_MAP, SPACE, "one", uid=made["metadata"]["uid"])
    assert not await cluster.delete(CONFIG_MAP, SPACE, "one")


async def test_a_namespace_is_an_object_like_others(cluster: Cluster) -> None:
    assert await cluster.get(NAMESPACE, None, SPACE) is None
    await cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    assert await cluster.get(NAMESPACE, None, SPACE) is not None


async def test_a_kind_that_no_table_has_is_asked_for_once(api: Api, cluster: Cluster) -> None:
    api.resources["example.org/v1/widgets"] = {"kind": "Widget", "namespaced": True}
    found = await cluster.kind({"apiVersion": "example.org/v1", "kind": "Widget"})
    assert found.path("a", "b") == "/apis/example.org/v1/namespaces/a/widgets/b"
    with pytest.raises(errors.NoSuchKind, match=r"no Gadget in example\.org/v1; install its CustomResourceDefinition"):
        await cluster.kind({"apiVersion": "example.org/v1", "kind": "Gadget"})


RBAC = (
    'deployments.apps is forbidden: User "system:serviceaccount:headgate:server" cannot patch resource "deployments" '
    'in API group "apps" in the namespace "pcw-production"'
)
RULE = '{apiGroups: ["apps"], resources: [deployments], verbs: [patch]}'
QUOTA = 'pods "web" is forbidden: exceeded quota: small, requested: pods=1, used: pods=4, limited: pods=4'
ENDING = "unable to create new content in namespace pcw-production because it is being terminated"
WEBHOOK = 'admission webhook "signed.example.org" denied the request: the image is not signed'
LEVEL = 'pods "web" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'


@pytest.mark.parametrize(
    ("status", "message", "kind", "words"),
    [
        (403, RBAC, errors.Forbidden, f"add to a Role in namespace pcw-production that is bound to it: {RULE}"),
        (403, QUOTA, errors.OverQuota, "limited: pods=4; raise the ResourceQuota"),
        (403, ENDING, errors.Terminating, "wait until it is gone"),
        (403, LEVEL, errors.Denied, "stricter than `platform.kubernetes.security`"),
        (400, WEBHOOK, errors.Denied, "the image is not signed. Ask who runs that policy"),
        (403, WEBHOOK, errors.Denied, "the image is not signed. Ask who runs that policy"),
        (404, "the server could not find the requested resource", errors.NoSuchKind, "CustomResourceDefinition"),
        (409, "object was modified", errors.Conflicted, "object was modified"),
        (410, "too old resource version", errors.Expired, "too old"),
        (422, 'Deployment "web" is invalid: spec.selector: field is immutable', errors.Invalid, "immutable"),
        (500, 'failed calling webhook "signed.example.org": timeout', errors.ClusterAway, "it is asked again"),
        (401, "Unauthorized", errors.Refused, "renew the login of its kubeconfig"),
    ],
)
async def test_each_refusal_says_what_to_do(
    api: Api, cluster: Cluster, status: int, message: str, kind: type[AdapterError], words: str
) -> None:
    api["patch"] << kmock.KubernetesError(status, "Reason", message, {})
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": SPACE}}
    with pytest.raises(kind) as caught:
        await cluster.apply(deployment)
    assert words in str(caught.value)
    assert "Deployment pcw-production/web" in str(caught.value)


async def test_a_missing_namespace_is_named_with_the_way_to_have_it_made(api: Api, cluster: Cluster) -> None:
    about = {"name": SPACE, "kind": "namespaces"}
    api["patch"] << kmock.KubernetesError(404, "NotFound", f'namespaces "{SPACE}" not found', about)
    with pytest.raises(errors.NotFound, match="create_namespace: true"):
        await cluster.apply(config())


async def test_a_busy_server_is_asked_again_after_the_time_it_names(api: Api, cluster: Cluster) -> None:
    times = []

    def busy(request: kmock.Request) -> Any:
        times.append(request)
        if len(times) == 1:
            raise kmock.KubernetesError(429, "TooManyRequests", "later", {"retryAfterSeconds": 0})
        return {"metadata": {"name": "one"}}

    api["get", "/api/v1/namespaces/pcw-production/configmaps/one"] << busy
    assert await cluster.get(CONFIG_MAP, SPACE, "one") is not None
    assert len(times) == 2


async def test_a_server_that_is_away_is_unknown_and_never_empty(tmp_path: Path) -> None:
    cluster = Cluster(Access(str(kubeconfig(tmp_path, "http://127.0.0.1:1"))))
    with pytest.raises(Away, match="cannot be reached") as caught:
        await cluster.list(DEPLOYMENT, SPACE)
    assert "a-token" not in str(caught.value)
    await cluster.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no kubeconfig at"),
        ("{", "cannot be used"),
        ("apiVersion: v1\nkind: Config\n", "cannot be used|look at the kubeconfig"),
    ],
)
async def test_a_kubeconfig_that_is_none_is_said_with_its_path(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AdapterError, match=words) as caught:
        await Cluster(Access(str(path))).version()
    assert str(path) in str(caught.value)


async def test_a_context_that_is_not_there_is_named(api: Api, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, str(api.url))
    with pytest.raises(AdapterError, match="elsewhere"):
        await Cluster(Access(str(path), "elsewhere")).version()


async def test_a_token_is_sent_over_https_or_to_this_machine_alone(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://cluster.example.org")
    with pytest.raises(AdapterError, match="is no https"):
        await Cluster(Access(str(path))).version()


async def test_a_login_program_is_asked_again_when_its_token_is_refused(api: Api, tmp_path: Path) -> None:
    """As `aws eks get-token` is, whose tokens last for a quarter of an hour."""
    program, count = tmp_path / "get-token", tmp_path / "count"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib\n"
        f"path = pathlib.Path({str(count)!r})\n"
        "turn = int(path.read_text()) + 1 if path.exists() else 1\n"
        "path.write_text(str(turn))\n"
        "status = {'token': f'token-{turn}', 'expirationTimestamp': '2099-01-01T00:00:00Z'}\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential',"
        " 'status': status}))\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path = kubeconfig(tmp_path, str(api.url))
    login = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}
    path.write_text(path.read_text().replace("{token: a-token}", json.dumps(login)))
    valid = {"Bearer token-1"}

    def answer(request: kmock.Request) -> Any:
        if request.headers["Authorization"] not in valid:
            raise kmock.KubernetesError(401, "Unauthorized", "Unauthorized", {})
        return {"gitVersion": "v1.36.1"}

    api["/version"] << answer
    cluster = Cluster(Access(str(path)))
    assert await cluster.version() == "Kubernetes v1.36.1"
    assert await cluster.version() == "Kubernetes v1.36.1"
    assert count.read_text() == "1"
    valid.clear()
    valid.add("Bearer token-2")
    assert await cluster.version() == "Kubernetes v1.36.1"
    assert count.read_text() == "2"
    await cluster.close()
