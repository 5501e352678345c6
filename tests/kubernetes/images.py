"""Images for pods, where none can be pulled: of this machine's own Python, in a real registry on loopback.

containerd takes 127.0.0.1:PORT as plain HTTP. A node that is another machine does not reach it: `unreached` says so.
"""

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.adapters.registries.server import RegistryServer
from tests.kubernetes.cluster import Cluster

from headgate.cli.demo import image, registry

EXAMPLE = Path(__file__).parents[2] / "examples" / "pcw"
BASE, NOBODY = "pcw/base", "65534"
PATIENCE = 90  # seconds, until a node has fetched and unpacked 190 MB


class Images:
    def __init__(self, folder: Path) -> None:
        self._server = RegistryServer(folder / "registry")
        self.host = f"127.0.0.1:{self._server.port}"
        self._base = image.layer(image.root(EXAMPLE), folder / "base.tar.gz")
        with self._base.path.open("rb") as stream:
            self._upload(BASE, stream, self._base.digest, self._base.path.stat().st_size)
        self._base_size = self._base.path.stat().st_size
        self._base.path.unlink()
        self.python = self.put(BASE, "1", {})

    def put(self, name: str, tag: str, files: Mapping[str, bytes], user: str = NOBODY) -> str:
        """The base with these files below /srv, where it starts. Returns it by its digest."""
        code = _tar(files)
        layer = f"sha256:{hashlib.sha256(code).hexdigest()}"
        told = json.dumps(_configuration([self._base.content, layer], user)).encode()
        configured = f"sha256:{hashlib.sha256(told).hexdigest()}"
        if name != BASE:
            self._ask("POST", f"/v2/{name}/blobs/uploads/?mount={self._base.digest}&from={BASE}")
        for content, digest in ((code, layer), (told, configured)):
            self._upload(name, content, digest, len(content))
        layers = [(registry.PACKED, self._base.digest, self._base_size), (PLAIN, layer, len(code))]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": registry.MANIFEST,
                "config": _described(registry.CONFIGURED, configured, len(told)),
                "layers": [_described(*one) for one in layers],
            }
        ).encode()
        self._ask("PUT", f"/v2/{name}/manifests/{tag}", manifest, {"Content-Type": registry.MANIFEST})
        return f"{self.host}/{name}@sha256:{hashlib.sha256(manifest).hexdigest()}"

    def unreached(self, cluster: Cluster, namespace: str) -> str:
        """Why the nodes cannot run them; empty where a pod of them has begun. All that follow have its layers."""
        pods, name = f"/api/v1/namespaces/{namespace}/pods", "reaches-the-registry"
        closed = {"runAsNonRoot": True, "runAsUser": 65534}
        program = {"name": "main", "image": self.python, "command": ["/bin/python", "-c", "pass"]}
        spec = {"containers": [program], "restartPolicy": "Never", "securityContext": closed}
        cluster.done("POST", pods, {"metadata": {"name": name}, "spec": spec})
        until = time.monotonic() + PATIENCE
        while (status := cluster.done("GET", f"{pods}/{name}")["status"])["phase"] != "Succeeded":
            waiting = [one["state"].get("waiting", {}) for one in status.get("containerStatuses", [])]
            refused = [one["message"] for one in waiting if one.get("reason") in ("ErrImagePull", "ImagePullBackOff")]
            if refused or status["phase"] == "Failed" or time.monotonic() > until:
                return f"the nodes do not run images of this machine's {self.host}: {refused or status}"
            time.sleep(0.2)
        cluster.done("DELETE", f"{pods}/{name}?gracePeriodSeconds=0")
        return ""

    def close(self) -> None:
        self._server.stop()

    def _upload(self, name: str, content: Any, digest: str, size: int) -> None:
        place = urlsplit(self._ask("POST", f"/v2/{name}/blobs/uploads/"))
        query = f"{place.query}&digest={digest}" if place.query else f"digest={digest}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._ask("PUT", f"{place.path}?{query}", content, headers)

    def _ask(self, method: str, path: str, content: Any = b"", headers: Mapping[str, str] | None = None) -> str:
        """Returns the location that it answers with."""
        connection = HTTPConnection(self.host, timeout=60)
        try:
            connection.request(method, path, content, dict(headers or {}))
            answer = connection.getresponse()
            assert answer.status in (201, 202), (method, path, answer.status, answer.read(1000))
            return answer.headers.get("Location", "")
        finally:
            connection.close()


PLAIN = "application/vnd.docker.image.rootfs.diff.tar"


def code(service: str, tree: Path = EXAMPLE) -> dict[str, bytes]:
    """As the Dockerfile of examples/pcw's service copies it: to /srv."""
    top = tree / "services" / service
    files = [path for path in (top / service).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(top)): path.read_bytes() for path in files}


def _configuration(layers: list[str], user: str) -> dict[str, Any]:
    machine = os.uname().machine
    return {
        "architecture": image.ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Env": list(image.VARIABLES), "WorkingDir": "/srv", "User": user, "Cmd": ["/bin/python"]},
        "rootfs": {"type": "layers", "diff_ids": layers},
    }


def _described(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest, "size": size}


def _tar(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        folder = tarfile.TarInfo("srv")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"srv/{name}")
            entry.size, entry.mode = len(content), 0o444
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()
