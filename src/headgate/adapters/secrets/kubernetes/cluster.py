"""Where a cluster is, and what lets us in: the pod's own service account, or an address with a token."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from headgate.adapters.credentials import from_variable
from headgate.adapters.secrets.private import read_private
from headgate.adapters.secrets.server import Server
from headgate.ports import AdapterError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Cluster:
    server: Server
    headers: dict[str, str]
    namespace: str

    @classmethod
    def of(cls, settings: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> "Cluster":
        """Tokens are read at each call: a cluster renews them within the hour. Raises AdapterError."""
        if "url" in settings:
            server, token = Server.of("Kubernetes", settings), _token(settings)
            return cls(server, {"Authorization": f"Bearer {token}"}, settings.get("namespace", "default"))
        host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            remedy = "write url, ca, and token_from or token_file below `kubernetes`"
            raise AdapterError(f"Kubernetes: this server runs in no pod; {remedy}")
        url = URL.build(scheme="https", host=host, port=int(port) if port.isdecimal() else 443)
        server = Server("Kubernetes", url, settings.get("ca", str(account / "ca.crt")))
        namespace = settings.get("namespace") or _read(account / "namespace")
        return cls(server, {"Authorization": f"Bearer {_read(account / 'token')}"}, namespace)


def _token(settings: Mapping[str, str]) -> str:
    if variable := settings.get("token_from"):
        return from_variable(variable)
    if file := settings.get("token_file"):
        try:
            return read_private(Path(file)).decode("ascii").strip()
        except UnicodeDecodeError:
            raise AdapterError(f"{file} holds no token: printable ASCII only") from None
    raise AdapterError("Kubernetes: nothing opens it; write token_from or token_file beside url")


def _read(path: Path) -> str:
    """The service account's files, which Kubernetes itself keeps."""
    try:
        return path.read_text().strip()
    except (OSError, ValueError) as error:
        what = f"Kubernetes: {path} cannot be read, which the pod's service account brings"
        raise AdapterError(f"{what}; set automountServiceAccountToken, or write url and token_file") from error
