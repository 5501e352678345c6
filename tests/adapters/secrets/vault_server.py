"""KV version 2 as HashiCorp documents its HTTP API, in memory: no Vault can be installed where these tests run."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

TOKEN, ROLE, SECRET_ID, JWT = "hvs.test-token", "role-1", "secret-id-1", "eyJ.pod.token"


@dataclass
class Version:
    data: dict[str, Any]
    created: str
    deleted: str = ""
    destroyed: bool = False


@dataclass
class VaultServer:
    """Policies are paths as Vault writes them, such as secret/data/shop."""

    secrets: dict[str, list[Version]] = field(default_factory=dict)  # path -> versions, the first is 1
    denied: set[str] = field(default_factory=set)  # "metadata", "data", "list"
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    logins: int = 0
    sealed: bool = False
    requests: list[web.Request] = field(default_factory=list)

    def write(self, path: str, data: dict[str, Any]) -> None:
        self.secrets.setdefault(path, []).append(Version(data, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f123Z")))

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/auth/{method}/login", self.login)
        app.router.add_get("/v1/secret/data/{path:.*}", self.data)
        app.router.add_get("/v1/secret/metadata/{path:.*}", self.metadata)
        return app

    async def login(self, request: web.Request) -> web.Response:
        asked = await request.json()
        fits = asked in ({"role_id": ROLE, "secret_id": SECRET_ID}, {"role": ROLE, "jwt": JWT})
        if not fits:
            return errors(400, "invalid role or secret ID")
        self.logins += 1
        token = f"hvs.login-{self.logins}"
        self.tokens.add(token)
        return web.json_response({"auth": {"client_token": token, "lease_duration": 3600, "renewable": True}})

    async def data(self, request: web.Request) -> web.Response:
        if refused := self.refused(request, "data"):
            return refused
        versions = self.secrets.get(request.match_info["path"], [])
        number = int(request.query.get("version", "0")) or len(versions)
        if not 1 <= number <= len(versions):
            return errors(404)
        one = versions[number - 1]
        gone = bool(one.deleted or one.destroyed)
        data = {"data": None if gone else one.data, "metadata": {**shown(one), "version": number}}
        return web.json_response({"request_id": "1", "data": data}, status=404 if gone else 200)

    async def metadata(self, request: web.Request) -> web.Response:
        path, listed = request.match_info["path"], request.query.get("list") == "true"
        if refused := self.refused(request, "list" if listed else "metadata"):
            return refused
        if listed:
            folder = f"{path}/" if path else ""
            below = {one.removeprefix(folder) for one in self.secrets if one.startswith(folder)}
            names = sorted({name.split("/")[0] + ("/" if "/" in name else "") for name in below})
            return web.json_response({"data": {"keys": names}}) if names else errors(404)
        versions = self.secrets.get(path)
        if not versions:
            return errors(404)
        told = {str(number): shown(one) for number, one in enumerate(versions, start=1)}
        return web.json_response({"data": {"current_version": len(versions), "oldest_version": 0, "versions": told}})

    def refused(self, request: web.Request, what: str) -> web.Response | None:
        self.requests.append(request)
        if self.sealed:
            return errors(503, "Vault is sealed")
        token = request.headers.get("X-Vault-Token", "")
        if token not in self.tokens or what in self.denied:
            return errors(403, "1 error occurred:\n\t* permission denied\n\n", f"token {token}")
        return None


def shown(one: Version) -> dict[str, Any]:
    return {"created_time": one.created, "deletion_time": one.deleted, "destroyed": one.destroyed}


def errors(status: int, *words: str) -> web.Response:
    return web.Response(status=status, text=json.dumps({"errors": list(words)}), content_type="application/json")
