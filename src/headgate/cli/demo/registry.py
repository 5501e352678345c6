"""A registry of the demo's own on loopback, Debian's `docker-registry`: what is pinned by digest lies somewhere."""

import hashlib
import json
import shutil
import socket
import subprocess
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from headgate.cli.demo.image import Layer
from headgate.cli.failure import Failure

PROGRAM = "docker-registry"
START_SECONDS = 20.0
STOP_SECONDS = 5.0
ANSWER_SECONDS = 60.0
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIGURED = "application/vnd.docker.container.image.v1+json"
PACKED = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: "{data}"}}}}
http: {{addr: "{host}"}}
"""


class Registry:
    def __init__(self, folder: Path) -> None:
        self.host = f"127.0.0.1:{free_port()}"
        self._data, self._log, self._file = folder / "registry", folder / "registry.log", folder / "registry.yml"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._file.write_text(CONFIGURATION.format(data=self._data, host=self.host))
        command = [shutil.which(PROGRAM) or PROGRAM, "serve", str(self._file)]
        with self._log.open("ab") as log:
            # A session of its own, as the server has: Ctrl-C is for the demo alone.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                last = self._log.read_text(errors="replace").strip()[-300:]
                raise Failure(f"{PROGRAM} does not start: {last}", str(self._log), "Try again: its port was random.")
            time.sleep(0.05)

    def stop(self) -> None:
        """Its images go with it; its log stays."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._data, ignore_errors=True)

    def put(self, name: str, tag: str, layer: Layer, configuration: dict[str, Any]) -> None:
        """An image of one layer. Raises Failure where the registry does not take it."""
        told = json.dumps(configuration).encode()
        digest = f"sha256:{hashlib.sha256(told).hexdigest()}"
        with layer.path.open("rb") as stream:
            self._upload(name, stream, layer.digest, layer.path.stat().st_size)
        self._upload(name, told, digest, len(told))
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIGURED, "digest": digest, "size": len(told)},
            "layers": [{"mediaType": PACKED, "digest": layer.digest, "size": layer.path.stat().st_size}],
        }
        self._ask("PUT", f"/v2/{name}/manifests/{tag}", json.dumps(manifest).encode(), {"Content-Type": MANIFEST})

    def _upload(self, name: str, content: bytes | BinaryIO, digest: str, size: int) -> None:
        place = urlsplit(self._ask("POST", f"/v2/{name}/blobs/uploads/", b"", {}))
        query = f"{place.query}&digest={digest}" if place.query else f"digest={digest}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._ask("PUT", f"{place.path}?{query}", content, headers)

    def _ask(self, method: str, path: str, content: bytes | BinaryIO, headers: dict[str, str]) -> str:
        """Returns the location that it answers with."""
        connection = HTTPConnection(self.host, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            said = answer.read(2000).decode(errors="replace")
            if answer.status in (201, 202):
                return answer.headers.get("Location", "")
            why = f"status {answer.status}: {said.strip()}"
        except (OSError, HTTPException) as error:
            why = str(error)
        finally:
            connection.close()
        raise Failure(f"the registry does not take the base image: {why}", str(self._log), "Is the disk full?")

    def _answers(self) -> bool:
        connection = HTTPConnection(self.host, timeout=1)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
