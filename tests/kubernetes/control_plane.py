"""etcd and kube-apiserver on loopback, as envtest starts them: own certificates, RBAC on, data in a folder that goes.

Where the folder of the programs holds kube-controller-manager and kube-scheduler too, they run beside.
"""

import json
import os
import secrets
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.adapters.registries.authority import Authority

PATIENCE = 60  # seconds until the API server is ready, on a machine with other work
ISSUER = "https://kubernetes.default.svc"


class ControlPlane:
    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._started: list[subprocess.Popen[bytes]] = []
        self._etcd, self._peer, self._port = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self._port}"
        self.token = secrets.token_hex(16)
        self.kubeconfig = folder / "kubeconfig"
        (folder / "tls").mkdir()
        self._authority = Authority(folder / "tls")
        self.authority = self._authority.file

    def start(self) -> None:
        self._write_kubeconfig()
        self._run("etcd", *self._etcd_arguments())
        self._run("kube-apiserver", *self._server_arguments())
        self._await_ready()
        if (self._programs / "kube-controller-manager").exists():
            self._run("kube-controller-manager", *self._controller_arguments())
        if (self._programs / "kube-scheduler").exists():
            self._run("kube-scheduler", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0")

    def stop(self) -> None:
        """Only what was started here, by its own process; the last started first."""
        for process in reversed(self._started):
            process.kill()
            process.wait(10)

    def _etcd_arguments(self) -> list[str]:
        url, peer = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._peer}"
        arguments = [f"--data-dir={self._folder / 'etcd'}", f"--listen-client-urls={url}"]
        arguments += [f"--advertise-client-urls={url}", f"--listen-peer-urls={peer}", "--unsafe-no-fsync"]
        return [*arguments, f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"]

    def _server_arguments(self) -> list[str]:
        certificate, private = self._authority.certificate(self._folder / "tls")
        tokens, account = self._folder / "tokens.csv", self._account_key()
        tokens.write_text(f"{self.token},headgate-tests,headgate-tests,system:masters\n")
        tokens.chmod(0o600)
        return [
            *("--bind-address=127.0.0.1", f"--secure-port={self._port}", "--endpoint-reconciler-type=none"),
            *(f"--etcd-servers=http://127.0.0.1:{self._etcd}", f"--cert-dir={self._folder / 'tls'}"),
            *(f"--tls-cert-file={certificate}", f"--tls-private-key-file={private}"),
            *(f"--token-auth-file={tokens}", "--authorization-mode=RBAC", "--allow-privileged=true"),
            *(f"--service-account-issuer={ISSUER}", f"--service-account-key-file={account}"),
            *(f"--service-account-signing-key-file={account}", "--service-cluster-ip-range=10.96.0.0/16"),
            *(() if self._has_controllers() else ("--disable-admission-plugins=ServiceAccount",)),
        ]

    def _controller_arguments(self) -> list[str]:
        account, authority = self._folder / "tls" / "account.pem", self._authority.file
        return [
            *(f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0"),
            *(f"--service-account-private-key-file={account}", f"--root-ca-file={authority}"),
            "--use-service-account-credentials=false",
        ]

    def _has_controllers(self) -> bool:
        """Who makes the service account `default`, without which the API server takes no pod."""
        return (self._programs / "kube-controller-manager").exists()

    def _account_key(self) -> Path:
        key = rsa.generate_private_key(65537, 2048)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = self._folder / "tls" / "account.pem"
        path.write_bytes(key.private_bytes(*form))
        path.chmod(0o600)
        return path

    def _write_kubeconfig(self) -> None:
        cluster = {"server": self.url, "certificate-authority": str(self._authority.file)}
        written = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "tests", "user": {"token": self.token}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
            "current-context": "tests",
        }
        self.kubeconfig.write_text(json.dumps(written))
        self.kubeconfig.chmod(0o600)

    def _run(self, program: str, *arguments: str) -> None:
        with (self._folder / f"{program}.log").open("wb") as log:
            command = [str(self._programs / program), *arguments]
            environment = {"PATH": os.environ["PATH"], "HOME": str(self._folder)}
            self._started.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))

    def _await_ready(self) -> None:
        until = time.monotonic() + PATIENCE
        context = ssl.create_default_context(cafile=str(self.authority))
        while not self._ready(context):
            ended = [one.args[0] for one in self._started if one.poll() is not None]  # type: ignore[index]
            if ended or time.monotonic() > until:
                self.stop()
                what = f"{ended[0]} ended" if ended else f"{self.url} is not ready within {PATIENCE} s"
                raise RuntimeError(f"{what}; the end of its log:\n{self._last_words()}")
            time.sleep(0.1)

    def _ready(self, context: ssl.SSLContext) -> bool:
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=5, context=context):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def _last_words(self) -> str:
        logs = [log.read_text(errors="replace")[-1500:] for log in sorted(self._folder.glob("*.log"))]
        return "\n".join(logs)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
