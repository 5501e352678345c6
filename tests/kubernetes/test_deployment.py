"""deploy/kubernetes and deploy/Dockerfile: whole, hardened, of one mind, and taken by a real API server."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kubernetes.cluster import APPLY, Cluster

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("one-namespace", "namespaces", "cluster", "eks")
FOLDERS = sorted(path.parent for path in DEPLOY.rglob("kustomization.yaml"))


def pod() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "base/server.yaml").read_text())["spec"]["template"]["spec"]
    return found


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in text.splitlines()) if word.isupper()]


def given(word: str) -> list[str]:
    return [rest for one, rest in instructions() if one == word]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(DEPLOY)))
def test_a_kustomization_names_what_is_there_and_all_of_it(folder: Path) -> None:
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert [one for one in named if not (folder / one).exists()] == []
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert files - set(named) == set()


def test_the_pod_has_no_rights_on_its_node() -> None:
    spec, container = pod(), pod()["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert not any("hostPath" in volume for volume in spec["volumes"])


def test_image_and_pod_are_of_one_mind() -> None:
    spec, container = pod(), pod()["containers"][0]
    user = spec["securityContext"]["runAsUser"]
    assert given("USER") == [f"{user}:{spec['securityContext']['runAsGroup']}"]
    assert user >= 10000, "no user of a node"
    assert given("EXPOSE") == [str(container["ports"][0]["containerPort"])]
    started = json.loads(given("CMD")[0])
    assert container["args"][: len(started)] == started
    assert container["args"][len(started) :] == ["--lease", "headgate"]
    written = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert written == {"/data", "/tmp"}


def test_the_lease_of_the_pod_is_the_one_its_role_names() -> None:
    role = next(one for one in yaml.safe_load_all((DEPLOY / "base/lease.yaml").read_text()) if one["kind"] == "Role")
    named = {name for rule in role["rules"] for name in rule.get("resourceNames", [])}
    args = pod()["containers"][0]["args"]
    assert named == {args[args.index("--lease") + 1]}


def test_the_image_is_made_of_what_is_there_and_nothing_else_reaches_the_build() -> None:
    sources = [one for copied in given("COPY") if "--from" not in copied for one in copied.split()[:-1]]
    assert [one for one in sources if not (ROOT / one).exists()] == []
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert set(sources) <= set(let_in)
    assert (ROOT / ".dockerignore").read_text().splitlines()[0] == "*"


def test_probes_say_a_name_that_the_server_answers_to() -> None:
    container = pod()["containers"][0]
    for probe, path in {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}.items():
        asked = container[probe]["httpGet"]
        assert (asked["path"], asked["httpHeaders"]) == (path, [{"name": "Host", "value": "localhost"}])


@pytest.mark.real("kubernetes")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_real_api_server_takes_it(real_cluster: Cluster, overlay: str) -> None:
    """Validated, defaulted and admitted by the server, and not kept."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl renders kustomizations, and is not installed")
    command = [kubectl, "kustomize", str(DEPLOY / "overlays" / overlay)]
    rendered = subprocess.run(command, capture_output=True, check=True)
    documents = list(yaml.safe_load_all(rendered.stdout))
    assert {one["kind"] for one in documents} >= {"Deployment", "ServiceAccount", "Role", "NetworkPolicy"}
    for one in documents:
        where = path_of(one).replace("/namespaces/headgate/", "/namespaces/default/")
        one["metadata"].pop("namespace", None)
        where = re.sub(r"/namespaces/(pcw-[a-z]+|gateway)/", "/namespaces/default/", where)
        status, answer = real_cluster.ask("PATCH", f"{where}?fieldManager=tests&dryRun=All", one, kind=APPLY)
        assert status < 300, (one["kind"], answer.get("message"))


def path_of(one: dict[str, Any]) -> str:
    plural = {"NetworkPolicy": "networkpolicies"}.get(one["kind"], f"{one['kind'].lower()}s")
    api = f"/apis/{one['apiVersion']}" if "/" in one["apiVersion"] else f"/api/{one['apiVersion']}"
    namespace = one["metadata"].get("namespace")
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{api}{within}/{plural}/{one['metadata']['name']}"
