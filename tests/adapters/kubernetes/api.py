"""An API server in memory on kmock: server-side apply with owners of fields, versions, selections, watches.

What it has not, tests against a real API server have: admission, defaults, validation. What controllers do, see there.
"""

import asyncio
import copy
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import kmock

Key = tuple[str, str, str]  # plural, namespace, name
Object = dict[str, Any]
DOT = "\N{FULLWIDTH FULL STOP}"  # within one name, as of an annotation
NAMESPACE = re.compile(r"/api/v1/namespaces/[^/]+")  # which kmock takes for a list of what is in it


@dataclass
class State:
    objects: dict[Key, Object] = field(default_factory=dict)
    owners: dict[Key, dict[str, str]] = field(default_factory=dict)  # path of a field -> manager
    version: int = 1000
    watches: list[tuple[str, asyncio.Queue[Object]]] = field(default_factory=list)
    logs: dict[str, bytes] = field(default_factory=dict)  # by pod
    written: list[tuple[str, Key]] = field(default_factory=list)  # method and what

    def put(self, key: Key, object: Object) -> Object:
        known = self.objects.get(key)
        self.version += 1
        metadata = object.setdefault("metadata", {})
        metadata["name"], metadata["resourceVersion"] = key[2], str(self.version)
        metadata.setdefault("creationTimestamp", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        metadata["uid"] = known["metadata"]["uid"] if known else str(uuid4())
        metadata["managedFields"] = _managed(self.owners.get(key, {}))
        if key[1]:
            metadata["namespace"] = key[1]
        if known is None or known.get("spec") != object.get("spec"):
            metadata["generation"] = metadata.get("generation", 0) + 1
        self.objects[key] = object
        self.tell("MODIFIED" if known else "ADDED", key[0], object)
        return object

    def remove(self, key: Key) -> Object:
        object = self.objects.pop(key)
        self.owners.pop(key, None)
        self.version += 1
        object["metadata"]["resourceVersion"] = str(self.version)
        self.tell("DELETED", key[0], object)
        return object

    def tell(self, change: str, plural: str, object: Object) -> None:
        for wanted, queue in self.watches:
            if wanted == plural:
                queue.put_nowait({"type": change, "object": copy.deepcopy(object)})

    def break_watches(self, *, expired: bool = False) -> None:
        """They end; `expired`: as a server tells that has forgotten where they were."""
        gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
        for _, queue in self.watches:
            queue.put_nowait({"type": "ERROR", "object": gone} if expired else {})


class Api(kmock.KubernetesScaffold):
    """`state` is what is in it; reactions of kmock go before it, for what goes wrong."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.state = State()
        for action, serve in {
            kmock.action.LIST: self._list,
            kmock.action.WATCH: self._watch,
            kmock.action.FETCH: self._get,
            kmock.action.CREATE: self._create,
            kmock.action.UPDATE: self._update,
            kmock.action.DELETE: self._delete,
        }.items():
            self.fallback[action] << serve
        self.fallback["patch", NAMESPACE] << self._update
        self.fallback["delete", NAMESPACE] << self._delete
        self.asked: list[kmock.Request] = []  # all of them, oldest first

    async def _handle(self, request: kmock.Request) -> Any:
        """To find who serves a request, kmock looks for it among all that ever came, once for each reaction."""
        self.asked.append(request)
        self._requests[:] = [request]
        return await super()._handle(request)

    def count(self, action: kmock.action) -> int:
        return sum(one.action is action for one in self.asked)

    async def _list(self, request: kmock.Request) -> Any:
        if request.resource is not None and request.resource.plural is None:
            return await self._get(request)
        items = [copy.deepcopy(one) for one in self._selected(request)]
        return {"metadata": {"resourceVersion": str(self.state.version)}, "items": items}

    async def _watch(self, request: kmock.Request) -> AsyncIterator[Any]:
        queue: asyncio.Queue[Object] = asyncio.Queue()
        entry = (_plural(request), queue)
        since = int(request.params.get("resourceVersion") or 0)
        selected = self._selected(request)
        known = {one["metadata"]["uid"] for one in selected}
        missed = [one for one in selected if int(one["metadata"]["resourceVersion"]) > since]
        self.state.watches.append(entry)
        try:
            yield b""
            for one in missed:
                yield {"type": "ADDED", "object": copy.deepcopy(one)}
            while event := await queue.get():
                object = event["object"]
                if event["type"] == "ERROR":
                    yield event
                elif _matches(object, request):
                    known.add(object["metadata"]["uid"])
                    yield event
                elif object["metadata"]["uid"] in known:  # it is selected no more
                    known.remove(object["metadata"]["uid"])
                    yield {**event, "type": "DELETED"}
                if event["type"] == "ERROR":
                    return
        finally:
            self.state.watches.remove(entry)

    async def _get(self, request: kmock.Request) -> Any:
        if request.subresource == "log":
            return self.state.logs.get(self._found(request)["metadata"]["name"], b"")
        return copy.deepcopy(self._found(request))

    async def _create(self, request: kmock.Request) -> Any:
        key = (_plural(request), request.namespace or "", request.data["metadata"]["name"])
        if key in self.state.objects:
            raise kmock.KubernetesError(409, "AlreadyExists", f'{key[0]} "{key[2]}" already exists', {"name": key[2]})
        self._wrote("POST", key)
        return self.state.put(key, copy.deepcopy(request.data))

    async def _update(self, request: kmock.Request) -> Any:
        key, kind = _key(request), request.headers.get("Content-Type", "")
        manager, body = str(request.params.get("fieldManager", "")), copy.deepcopy(request.data)
        if kind.startswith("application/apply-patch"):
            body = _read(request)
            self._claim(key, manager, body, request.params.get("force") == "true")
        elif key not in self.state.objects:
            raise _missing(key)
        self._wrote("PATCH", key)
        self._check_version(key, body)
        before = copy.deepcopy(self.state.objects.get(key, {}))
        if request.subresource == "status":
            body = {"status": body.get("status")}
        if not kind.startswith("application/apply-patch"):  # whoever changes a field has it from then on
            changed = [path for path, value in leaves(body) if _at(before, path) != value]
            self.state.owners.setdefault(key, {}).update(dict.fromkeys(changed, manager))
        merged = merge(copy.deepcopy(before), body)
        if merged == before:
            return before  # nothing changed: no new version, and no event
        return self.state.put(key, merged)

    def _check_version(self, key: Key, body: Object) -> None:
        """Who names a version writes to that one only."""
        named = (body.get("metadata") or {}).get("resourceVersion")
        if named and key in self.state.objects and self.state.objects[key]["metadata"]["resourceVersion"] != named:
            raise kmock.KubernetesError(409, "Conflict", "the object has been modified", {"name": key[2]})

    def _claim(self, key: Key, manager: str, body: Object, force: bool) -> None:
        """What a manager applied before and does not apply now is given back; what others hold is a conflict."""
        owners, known = self.state.owners.setdefault(key, {}), self.state.objects.get(key)
        wanted = dict(leaves(body))
        held = {path: other for path, other in owners.items() if path in wanted and other != manager}
        clashing = [path for path in held if known is not None and _at(known, path) != wanted[path]]
        if clashing and not force:
            causes = [
                {"reason": "FieldManagerConflict", "message": f'conflict with "{held[path]}"', "field": path}
                for path in clashing
            ]
            raise kmock.KubernetesError(409, "Conflict", "Apply failed with conflicts", {"causes": causes})
        for path in [path for path, one in owners.items() if one == manager and path not in wanted]:
            del owners[path]
            if known is not None:
                _drop(known, path)
        owners.update({path: manager for path in wanted if path not in held or path in clashing})

    async def _delete(self, request: kmock.Request) -> Any:
        found, key = self._found(request), _key(request)
        wanted = ((request.data or {}).get("preconditions") or {}).get("uid")
        if wanted and wanted != found["metadata"]["uid"]:
            raise kmock.KubernetesError(409, "Conflict", "the UID in the precondition does not match", {})
        self._wrote("DELETE", key)
        at_once = (request.data or {}).get("gracePeriodSeconds") == 0
        if key[0] == "pods" and not at_once:  # its kubelet says when it is over
            if "deletionTimestamp" not in found["metadata"]:
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                leaving = copy.deepcopy(found)
                leaving["metadata"]["deletionTimestamp"] = now
                self.state.put(key, leaving)
            return copy.deepcopy(self.state.objects[key])
        return copy.deepcopy(self.state.remove(key))

    def _found(self, request: kmock.Request) -> Object:
        key = _key(request)
        if key not in self.state.objects:
            raise _missing(key)
        return self.state.objects[key]

    def _selected(self, request: kmock.Request) -> list[Object]:
        plural = _plural(request)
        every = list(self.state.objects.items())
        return [one for (kind, _, _), one in every if kind == plural and _matches(one, request)]

    def _wrote(self, method: str, key: Key) -> None:
        self.state.written.append((method, key))


def kubeconfig(folder: Path, url: str, name: str = "test") -> Path:
    path = folder / "kubeconfig"
    path.write_text(
        f"""apiVersion: v1
kind: Config
current-context: {name}
clusters: [{{name: {name}, cluster: {{server: "{url}"}}}}]
contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}]
users: [{{name: {name}, user: {{token: a-token}}}}]
"""
    )
    return path


def merge(into: Object, body: Mapping[str, Any]) -> Object:
    """RFC 7386; lists are replaced."""
    for name, value in body.items():
        if value is None:
            into.pop(name, None)
        elif isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value
    return into


def leaves(object: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Paths as the API server writes them, with what is there; a list is one leaf."""
    for name, value in object.items():
        path = f"{above}.{name.replace('.', DOT)}"
        if path in (".apiVersion", ".kind", ".metadata.name", ".metadata.namespace"):
            continue
        if isinstance(value, dict) and value:
            yield from leaves(value, path)
        else:
            yield path, value


def _managed(owners: Mapping[str, str]) -> list[Object]:
    """As far as the first step of each path."""
    held: dict[str, Object] = {}
    for path, manager in sorted(owners.items()):
        held.setdefault(manager, {})[f"f:{path.split('.')[1]}"] = {}
    return [{"manager": manager, "fieldsV1": fields} for manager, fields in sorted(held.items())]


def _read(request: kmock.Request) -> Object:
    return dict(json.loads(request.body))


def _at(object: Object, path: str) -> Any:
    found: Any = object
    for name in path.split(".")[1:]:
        found = found.get(name.replace(DOT, ".")) if isinstance(found, dict) else None
    return found


def _drop(object: Object, path: str) -> None:
    *above, last = path.split(".")[1:]
    found: Any = object
    for name in above:
        found = found.get(name.replace(DOT, ".")) if isinstance(found, dict) else None
    if isinstance(found, dict):
        found.pop(last.replace(DOT, "."), None)


def _matches(object: Object, request: kmock.Request) -> bool:
    metadata = object["metadata"]
    if request.namespace is not None and metadata.get("namespace", "") != request.namespace:
        return False
    wanted = [one.split("=") for one in str(request.params.get("labelSelector", "")).split(",") if one]
    labels = metadata.get("labels", {})
    return all(labels.get(one[0]) == one[1] if len(one) == 2 else one[0] in labels for one in wanted)


def _plural(request: kmock.Request) -> str:
    assert request.resource is not None
    return str(request.resource.plural or "namespaces")


def _key(request: kmock.Request) -> Key:
    plural = _plural(request)
    if plural == "namespaces":
        return (plural, "", request.namespace or "")
    return (plural, request.namespace or "", request.name or "")


def _missing(key: Key) -> kmock.KubernetesError:
    return kmock.KubernetesError(404, "NotFound", f'{key[0]} "{key[2]}" not found', {"name": key[2], "kind": key[0]})
