"""A real registry on loopback, Debian's `docker-registry`: plain, or with TLS of a CA made here, and a login."""

import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.adapters.registries.authority import Authority
from tests.conftest import require

USER, PASSWORD = "ada", "open-for-tests"
HTPASSWD = f"{USER}:$2b$04$OK2eYv7xiGmLKwb8SoP39uidf1.Sip1AQjWgF7GS0FqNNx.2GIQpK\n"  # bcrypt of it

HOSTS: set[str] = set()  # that tests of this process pushed to: their images are taken out of the engine again


@dataclass
class RegistryServer:
    folder: Path
    authority: Authority | None = None  # TLS
    login: bool = False
    token: dict[str, str] = field(default_factory=dict)  # settings of token authentication, instead of login
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        HOSTS.add(f"127.0.0.1:{self.port}")
        self.start()

    @property
    def url(self) -> str:
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        (self.folder / "htpasswd").write_text(HTPASSWD)
        (self.folder / "config.yml").write_text(_yaml(self._configuration()))
        with (self.folder / "log").open("ab") as log:
            command = [str(require("docker-registry")), "serve", "config.yml"]
            self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._await()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _configuration(self) -> dict[str, Any]:
        http: dict[str, Any] = {"addr": f"127.0.0.1:{self.port}"}
        if self.authority:
            certificate, key = self.authority.certificate(self.folder)
            http["tls"] = {"certificate": str(certificate), "key": str(key)}
        made: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}, "delete": {"enabled": "true"}},
            "http": http,
        }
        if self.token:
            made["auth"] = {"token": self.token}
        elif self.login:
            made["auth"] = {"htpasswd": {"realm": "tests", "path": str(self.folder / "htpasswd")}}
        return made

    def _await(self) -> None:
        context = ssl._create_unverified_context() if self.authority else None
        deadline = time.monotonic() + 15
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/v2/", timeout=1, context=context).close()
                return
            except urllib.error.HTTPError:
                return  # it asks for a login
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.02)


def _yaml(node: dict[str, Any], depth: int = 0) -> str:
    lines = ""
    for key, value in node.items():
        below = f"\n{_yaml(value, depth + 2)}" if isinstance(value, dict) else f" {value}\n"
        lines += f"{' ' * depth}{key}:{below}"
    return lines


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
