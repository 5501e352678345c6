"""A real Kubernetes API for tests: started here from KUBEBUILDER_ASSETS, or one that runs (USE_EXISTING_CLUSTER)."""

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.kubeconfig import entered

HERE = Path(__file__).parent
NEEDED = ("etcd", "kube-apiserver")
MISSING = (
    "no Kubernetes API server can be had: set KUBEBUILDER_ASSETS to a folder with the programs etcd and "
    "kube-apiserver, or USE_EXISTING_CLUSTER=true with KUBECONFIG (CONTRIBUTING.md)"
)
NO_NODE = "no node of the cluster is Ready: an API server alone runs no pods; use a whole cluster (CONTRIBUTING.md)"
APPLY = "application/apply-patch+yaml"
JSON = "application/json"


@dataclass(frozen=True)
class Cluster:
    url: str
    context: ssl.SSLContext
    token: str  # empty: the certificate in `context` says who we are
    kubeconfig: Path
    authority: Path | None
    plane: ControlPlane | None = None  # None: it was there before us, and stays

    def ask(
        self, method: str, path: str, body: Any = None, token: str | None = None, kind: str = JSON
    ) -> tuple[int, dict[str, Any]]:
        """Status and object, whatever the status is. `token` instead of the tests' own rights."""
        headers = {"Content-Type": kind, "Accept": JSON}
        known = self.token if token is None else token
        headers |= {"Authorization": f"Bearer {known}"} if known else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.context) as answer:
                return answer.status, _object(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _object(error.read())

    def done(self, method: str, path: str, body: Any = None, kind: str = JSON) -> dict[str, Any]:
        status, answer = self.ask(method, path, body, kind=kind)
        assert status < 300, f"{method} {path}: HTTP {status} {answer.get('message', '')}"
        return answer

    def apply(self, path: str, written: dict[str, Any]) -> dict[str, Any]:
        return self.done("PATCH", f"{path}?fieldManager=headgate-tests&force=true", written, APPLY)

    def account_token(self, namespace: str, account: str) -> str:
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return str(self.done("POST", path, request)["status"]["token"])

    def has_a_ready_node(self) -> bool:
        nodes = self.done("GET", "/api/v1/nodes")["items"]
        conditions = [one for node in nodes for one in node.get("status", {}).get("conditions", [])]
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def make_namespace(self, name: str) -> None:
        self.done("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": {"headgate-tests": "true"}}})

    def remove_namespace(self, name: str) -> None:
        """Where nobody else empties and ends a namespace, as in an API server alone, it is ended here."""
        status, left = self.ask("DELETE", f"/api/v1/namespaces/{name}")
        if status < 300 and self.plane is not None and "spec" in left:
            left["spec"]["finalizers"] = []
            self.ask("PUT", f"/api/v1/namespaces/{name}/finalize", left)

    def install_gateway_api(self) -> None:
        """Only where it is absent: what a cluster's owner has installed stays as it is."""
        where = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        made = []
        for definition in yaml.safe_load_all((HERE / "gateway-api.yaml").read_text()):
            name = definition["metadata"]["name"]
            if self.ask("GET", f"{where}/{name}")[0] == 404:
                self.done("POST", where, definition)
                made.append(f"{where}/{name}")
        _await(lambda: all(_established(self.done("GET", path)) for path in made), "the CRDs of Gateway API")


@contextmanager
def found(folder: Path) -> Iterator[Cluster | str]:
    """The cluster, or the sentence that says why there is none. Raises what is wrong with one that was promised."""
    if os.environ.get("USE_EXISTING_CLUSTER", "").lower() == "true":
        yield existing()
        return
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        yield MISSING
        return
    lacking = [name for name in NEEDED if not os.access(Path(assets, name), os.X_OK)]
    if lacking:
        raise RuntimeError(f"KUBEBUILDER_ASSETS={assets} lacks {' and '.join(lacking)}")
    plane = ControlPlane(Path(assets).absolute(), folder)
    try:
        plane.start()
        context = ssl.create_default_context(cafile=str(plane.authority))
        yield Cluster(plane.url, context, plane.token, plane.kubeconfig, plane.authority, plane)
    finally:
        plane.stop()


def existing() -> Cluster:
    """As KUBECONFIG's current context says."""
    path = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    url, context, token, authority = entered(path)
    return Cluster(url, context, token, path, authority)


def _await(holds: Any, what: str) -> None:
    import time

    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until, f"{what} did not come within 30 s"
        time.sleep(0.05)


def _established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions", [])
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace")}
    return parsed if isinstance(parsed, dict) else {"message": str(parsed)}
