"""How the server proves itself to a Vault: a token, an AppRole, or its Kubernetes service account."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.adapters.credentials import from_variable
from headgate.adapters.quoted import short
from headgate.adapters.secrets.server import Answer, Server
from headgate.ports import AdapterError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
SHORTEST = 30  # seconds that a token is used where Vault does not say


@dataclass(frozen=True, slots=True)
class Login:
    service_account: Path = SERVICE_ACCOUNT
    _tokens: dict[tuple[tuple[str, str], ...], tuple[str, float]] = field(default_factory=dict, repr=False)

    async def headers(self, server: Server, settings: Mapping[str, str]) -> dict[str, str]:
        """Raises AdapterError. A variable is read at each call, so that a renewed token needs no restart."""
        if variable := settings.get("token_from"):
            return {**always(settings), "X-Vault-Token": from_variable(variable)}
        which = tuple(sorted(settings.items()))
        token, until = self._tokens.get(which, ("", 0.0))
        if time.monotonic() >= until:
            token, until = await self._token(server, settings)
            self._tokens[which] = (token, until)
        return {**always(settings), "X-Vault-Token": token}

    def forget(self, settings: Mapping[str, str]) -> bool:
        """A token that was refused may have been revoked: whether there is another to be had."""
        return self._tokens.pop(tuple(sorted(settings.items())), None) is not None

    async def _token(self, server: Server, settings: Mapping[str, str]) -> tuple[str, float]:
        path, proof = self._proof(server, settings)
        answer = await server.ask("POST", f"/v1/auth/{path}/login", always(settings), proof)
        token, lease = answer.field("auth", "client_token"), answer.field("auth", "lease_duration")
        if answer.status != 200 or not isinstance(token, str) or not token:
            remedy = "check the role, and that this server may use it"
            raise AdapterError(f"{server} does not log us in at auth/{path}: {reason(answer)}; {remedy}")
        seconds = max(SHORTEST, lease if isinstance(lease, int) else 0)
        return token, time.monotonic() + seconds / 2

    def _proof(self, server: Server, settings: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        if role := settings.get("role_id"):
            secret = from_variable(settings.get("secret_id_from", ""))
            return settings.get("login_path", "approle"), {"role_id": role, "secret_id": secret}
        if role := settings.get("kubernetes_role"):
            try:
                return settings.get("login_path", "kubernetes"), {
                    "role": role,
                    "jwt": self.service_account.read_text().strip(),
                }
            except (OSError, ValueError) as error:
                what = f"{self.service_account} cannot be read: this server runs in no pod with a service account"
                raise AdapterError(f"{server}: {what}; use token_from or role_id instead") from error
        raise AdapterError(f"{server}: nothing opens it; write token_from, role_id or kubernetes_role")


def always(settings: Mapping[str, str]) -> dict[str, str]:
    namespace = settings.get("namespace")
    return {"X-Vault-Request": "true", **({"X-Vault-Namespace": namespace} if namespace else {})}


def reason(answer: Answer) -> str:
    """Vault's own words, where it has some."""
    errors: Any = answer.field("errors")
    words = " ".join(str(one) for one in errors) if isinstance(errors, list) else ""
    return f"HTTP {answer.status} {short(words, 160) if words else ''}".strip()
