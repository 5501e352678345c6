"""The client of one cluster: verbs on plain dicts. Knows addresses, patience and errors; no nouns of Headgate's."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from headgate.adapters.kubernetes.connections import keep_alive
from headgate.adapters.kubernetes.errors import Busy, ClusterAway, NoSuchKind, NotFound, refusal
from headgate.adapters.kubernetes.kinds import Kind, kind_of
from headgate.adapters.kubernetes.login import LOGIN, Access, log_in, log_in_again
from headgate.adapters.kubernetes.names import FIELD_MANAGER, selector
from headgate.adapters.limited import limited, plain
from headgate.adapters.quoted import short
from headgate.ports import AdapterError

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient

Object = dict[str, Any]
Objects = list[Object]
CONNECT = 5.0  # seconds
PATIENCE = 20.0  # seconds, for one answer: webhooks may take ten
QUIET = 130.0  # seconds; the server ends a watch within two minutes: one that is silent for longer is dead
LARGEST = 64 * 1024 * 1024  # bytes of one answer
PAGE = 500  # objects
BUSY_TRIES = 3
LONGEST_WAIT = 5.0  # seconds, that are waited here when the server asks for time
APPLY = "application/apply-patch+yaml"  # JSON is YAML
MERGE = "application/merge-patch+json"
JSON = "application/json"
METADATA = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"  # of what is watched, without what it holds
METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Cluster:
    """Of one Access. Any number of users and watches share its connections."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._client: ApiClient | None = None
        self._opening = asyncio.Lock()
        self._kinds: dict[str, dict[str, Kind]] = {}  # by apiVersion, those that no table of ours has

    def __str__(self) -> str:
        return str(self.access)

    # --- verbs

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        """None: it is not there."""
        try:
            return await self.json("GET", kind.path(namespace, name), f"get {told(kind, namespace, name)}")
        except NoSuchKind:
            raise
        except NotFound:
            return None

    async def list(
        self, kind: Kind, namespace: str | None, labels: Mapping[str, str] | str = "", fields: str = ""
    ) -> tuple[Objects, str]:
        """All that match, and the version that a watch goes on from. No namespace: all of them."""
        items: Objects = []
        latest = ""
        async for page, version in self.pages(kind, namespace, labels, fields):
            items, latest = items + page, version
        return items, latest

    async def pages(
        self,
        kind: Kind,
        namespace: str | None,
        labels: Mapping[str, str] | str = "",
        fields: str = "",
        accept: str = JSON,
    ) -> AsyncIterator[tuple[Objects, str]]:
        """Of 500 each, so that ten thousand objects are never in memory twice."""
        query, what = {**matching(labels, fields), "limit": str(PAGE)}, f"list {told(kind, namespace)}"
        while True:
            found = await self.json("GET", kind.path(namespace), what, query, None, accept)
            metadata = found.get("metadata") or {}
            # Items of a list do not say what they are.
            own = {"apiVersion": kind.api, "kind": kind.name}
            yield [{**own, **item} for item in found.get("items") or []], str(metadata.get("resourceVersion", ""))
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def apply(self, object: Object, dry_run: bool = False) -> Object:
        """Server-side: what is in it is Headgate's, all else is left alone. OwnedByOthers where another has it."""
        kind, (namespace, name) = await self.kind(object), _place(object)
        query = {"fieldManager": FIELD_MANAGER, "force": "false", **({"dryRun": "All"} if dry_run else {})}
        what = f"apply {told(kind, namespace, name)}"
        return await self.json("PATCH", kind.path(namespace, name), what, query, object, APPLY)

    async def create(self, object: Object) -> Object:
        """Conflicted where it is there already."""
        kind, (namespace, name) = await self.kind(object), _place(object)
        query, what = {"fieldManager": FIELD_MANAGER}, f"create {told(kind, namespace, name)}"
        return await self.json("POST", kind.path(namespace), what, query, object)

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, body: Any, content_type: str = MERGE, part: str = ""
    ) -> Object:
        what, query = f"patch {told(kind, namespace, name)}", {"fieldManager": FIELD_MANAGER}
        return await self.json("PATCH", kind.path(namespace, name, part), what, query, body, content_type)

    async def delete(self, kind: Kind, namespace: str | None, name: str, uid: str = "", wait: bool = False) -> bool:
        """False: it was not there. `uid`: that object alone, none of its name. `wait`: what it owns goes first."""
        body: Object = {"propagationPolicy": "Foreground" if wait else "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self.json("DELETE", kind.path(namespace, name), f"delete {told(kind, namespace, name)}", body=body)
        except NoSuchKind:
            raise
        except NotFound:
            return False
        return True

    async def review(self, verb: str, kind: Kind, namespace: str | None, name: str = "") -> bool:
        """Whether we may. Asks the API server, which knows all roles."""
        wanted = {"verb": verb, "group": kind.group, "resource": kind.plural, "namespace": namespace or ""}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**wanted, "name": name}},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = await self.json("POST", path, f"ask whether we may {verb} {kind.plural}", body=body)
        return bool((answer.get("status") or {}).get("allowed"))

    async def version(self) -> str:
        """As "Kubernetes v1.36.1"."""
        return f"Kubernetes {(await self.json('GET', '/version', 'tell its version')).get('gitVersion', '')}"

    async def kind(self, object: Mapping[str, Any]) -> Kind:
        """Where objects of this apiVersion and kind are. NoSuchKind where the cluster has no such definition."""
        api, name = str(object.get("apiVersion", "")), str(object.get("kind", ""))
        if known := kind_of(object):
            return known
        if name not in self._kinds.get(api, {}):
            root = f"/apis/{api}" if "/" in api else f"/api/{api}"
            found = await self.json("GET", root, f"find {name} of {api}")
            self._kinds[api] = {
                str(one["kind"]): Kind(api, str(one["kind"]), str(one["name"]), bool(one.get("namespaced")))
                for one in found.get("resources") or []
                if "/" not in str(one["name"])
            }
        try:
            return self._kinds[api][name]
        except KeyError:
            raise NoSuchKind(f"{self} serves no {name} in {api}; install its CustomResourceDefinition", 404) from None

    async def lines(self, namespace: str, pod: str, query: Mapping[str, str]) -> AsyncIterator[str]:
        """Of a pod's log. `query` as the API has it: container, previous, tailLines, follow, timestamps."""
        path, what = f"/api/v1/namespaces/{namespace}/pods/{pod}/log", f"read the log of {namespace}/{pod}"
        async with self.open("GET", path, what, query, endless=query.get("follow") == "true") as answer:
            rest = b""
            async for part in answer.content.iter_chunked(1 << 16):
                *whole, rest = (rest + part).split(b"\n")
                for line in whole:
                    yield line.decode(errors="replace")
            if rest:
                yield rest.decode(errors="replace")

    # --- how it is asked

    async def json(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
    ) -> Object:
        """Asked again where the server asks for a moment; never where it did not answer: it may have done it.

        `content_type`: of what is sent; of the answer where something is only got.
        """
        for left in reversed(range(BUSY_TRIES)):
            try:
                async with self.open(method, path, what, query, body, content_type) as answer:
                    text = await limited(answer, LARGEST, f"{self} sends more than {LARGEST} bytes to {what}")
                return _object(text, self)
            except Busy as error:
                seconds = error.after.total_seconds()
                if not left or seconds > LONGEST_WAIT:
                    raise
                await asyncio.sleep(seconds)
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        endless: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer itself. `endless`: it goes on for ever, and something is heard every two minutes."""
        sent = (method, path, dict(query or {}), body, content_type, endless)
        try:
            answer = await self._sent(*sent)
            if answer.status == 401:
                answer.release()
                await log_in_again(self.access, await self._opened())
                answer = await self._sent(*sent)
            async with answer:
                if answer.status >= 400:
                    raise await self._refusal(what, answer)
                if endless:
                    keep_alive(answer)
                yield answer
        except TimeoutError as error:
            raise ClusterAway(f"{self} did not answer in time to {what}; whether it did is not known") from error
        except (aiohttp.ClientError, OSError) as error:
            where = f"{self} at {short(self._host())}" if self._client else str(self)
            remedy = "start it, or correct the kubeconfig; what runs there goes on"
            raise ClusterAway(f"{where} cannot be reached ({short(plain(error))}) to {what}; {remedy}") from error

    async def _sent(
        self, method: str, path: str, query: dict[str, str], body: Any, content_type: str, endless: bool
    ) -> aiohttp.ClientResponse:
        client = await self._opened()
        # Compressed lists save a link between continents, and cost this process and the server more than they save.
        accept = content_type if method == "GET" else JSON
        headers = {"Accept": accept, "Accept-Encoding": "identity", "Content-Type": content_type}
        await client.update_params_for_auth(headers, [], [LOGIN])
        total = None if endless else PATIENCE
        limit = aiohttp.ClientTimeout(total=total, connect=CONNECT, sock_read=QUIET if endless else None)
        answer: aiohttp.ClientResponse = await client.rest_client.request(
            method,
            f"{client.configuration.host}{path}",
            query_params=query,
            headers=headers,
            body=body,
            _preload_content=False,
            _request_timeout=limit,
        )
        return answer

    async def _refusal(self, what: str, answer: aiohttp.ClientResponse) -> AdapterError:
        text = await limited(answer, LARGEST, f"{self} sends more than {LARGEST} bytes to {what}")
        try:
            body = json.loads(text)
        except ValueError:
            body = {"message": short(text)}
        details = body.get("details") if isinstance(body, dict) else None
        after = answer.headers.get("Retry-After") or str((details or {}).get("retryAfterSeconds", ""))
        return refusal(what, str(self), answer.status, body, float(after) if after.isdecimal() else None)

    async def _opened(self) -> "ApiClient":
        async with self._opening:
            if self._client is None:
                self._client = await log_in(self.access)
                self._client.user_agent = FIELD_MANAGER
            return self._client

    def _host(self) -> str:
        return str(self._client.configuration.host) if self._client else ""

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


class Clusters:
    """One client for each cluster, whoever asks."""

    def __init__(self) -> None:
        self._open: dict[Access, Cluster] = {}

    def of(self, access: Access) -> Cluster:
        return self._open.setdefault(access, Cluster(access))

    async def close(self) -> None:
        clusters, self._open = list(self._open.values()), {}
        await asyncio.gather(*(one.close() for one in clusters))


def told(kind: Kind, namespace: str | None, name: str = "") -> str:
    """As it stands in a sentence: "Deployment pcw-production/web"."""
    where = "/".join(part for part in (namespace, name) if part)
    return f"{kind.name if name else kind.plural} {where}".strip()


def matching(labels: Mapping[str, str] | str, fields: str = "") -> dict[str, str]:
    """A query that selects."""
    written = labels if isinstance(labels, str) else selector(labels)
    both = {"labelSelector": written, "fieldSelector": fields}
    return {key: value for key, value in both.items() if value}


def _place(object: Mapping[str, Any]) -> tuple[str | None, str]:
    metadata = object.get("metadata") or {}
    return metadata.get("namespace"), str(metadata.get("name", ""))


def _object(text: bytes, where: Cluster) -> Object:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ClusterAway(f"what answers as {where} is no Kubernetes: look at `server` in its kubeconfig")
    return found
