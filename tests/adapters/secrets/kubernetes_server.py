"""The Secret part of Kubernetes' API as documented, over HTTPS, in memory: no cluster can run where these tests do."""

import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web
from tests.adapters.registries.authority import Authority

TOKEN = "eyJ.service-account.token"
PARTIAL = "as=PartialObjectMetadata"


@dataclass
class KubernetesServer:
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # by namespace and name
    forbidden: set[str] = field(default_factory=set)  # verbs
    revision: int = 1000
    requests: list[web.Request] = field(default_factory=list)

    def write(self, namespace: str, name: str, data: dict[str, bytes]) -> None:
        self.revision += 1
        known = self.objects.get((namespace, name))
        uid = known["metadata"]["uid"] if known else str(uuid4())
        metadata = {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": str(self.revision)}
        encoded = {key: b64encode(value).decode() for key, value in data.items()}
        kind = {"kind": "Secret", "apiVersion": "v1", "type": "Opaque"}
        self.objects[namespace, name] = {**kind, "metadata": metadata, "data": encoded}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/v1/namespaces/{namespace}/secrets/{name}", self.get)
        app.router.add_get("/api/v1/namespaces/{namespace}/secrets", self.list)
        return app

    async def get(self, request: web.Request) -> web.Response:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        if refused := self.refused(request, "get", name):
            return refused
        found = self.objects.get((namespace, name))
        if found is None:
            return status(404, "NotFound", f'secrets "{name}" not found')
        return web.json_response(partial(found) if PARTIAL in request.headers.get("Accept", "") else found)

    async def list(self, request: web.Request) -> web.Response:
        if refused := self.refused(request, "list", ""):
            return refused
        assert PARTIAL in request.headers["Accept"], "a list of whole Secrets is a list of their values"
        namespace = request.match_info["namespace"]
        found = [partial(one) for (where, _), one in self.objects.items() if where == namespace]
        return web.json_response({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": found})

    def refused(self, request: web.Request, verb: str, name: str) -> web.Response | None:
        self.requests.append(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return status(401, "Unauthorized", "Unauthorized")
        if verb in self.forbidden:
            who = 'User "system:serviceaccount:headgate:server" cannot'
            return status(403, "Forbidden", f'secrets "{name}" is forbidden: {who} {verb} resource "secrets"')
        return None


def partial(found: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": found["metadata"]}


def status(code: int, reason: str, message: str) -> web.Response:
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
    return web.json_response({**told, "code": code}, status=code)


def trusted(authority: Authority, folder: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.certificate(folder))
    return context
