"""What is there and what becomes of it, kept current by a watch: one mirror for a kind, a namespace and a selection."""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from headgate.adapters.kubernetes.cluster import JSON, METADATA, METADATA_LIST, Cluster, Object, matching, told
from headgate.adapters.kubernetes.errors import Expired, refusal
from headgate.adapters.kubernetes.kinds import Kind
from headgate.adapters.quoted import short
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0  # seconds, between two tries
LONGEST_WATCH = 120  # seconds; the server ends it then, and it goes on where it was
LONGEST_LINE = 16 * 1024 * 1024  # bytes; etcd holds 1.5 MiB
BULKY = "kubectl.kubernetes.io/last-applied-configuration"
Change = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
Key = tuple[str, str]  # namespace and name


@dataclass(frozen=True, slots=True)
class Selection:
    kind: Kind
    namespace: str | None = None  # None: all
    labels: str = ""
    fields: str = ""
    metadata: bool = False  # without what it holds: asked of the API server so, and sent by it so

    def __str__(self) -> str:
        return told(self.kind, self.namespace)


def slim(object: Object) -> Object:
    """Without what nobody here reads, which is most of it: who set which field, and the last `kubectl apply`."""
    metadata = {key: value for key, value in (object.get("metadata") or {}).items() if key != "managedFields"}
    if notes := metadata.get("annotations"):
        metadata["annotations"] = {key: value for key, value in notes.items() if key != BULKY}
    return {**object, "metadata": metadata}


async def watch(cluster: Cluster, what: Selection, version: str) -> AsyncIterator[tuple[Change, Object]]:
    """From a version on, until the server ends it. Expired: list again.

    Bookmarks bring nothing but a later version; the first one says that the server has begun, and not even that.
    """
    query = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true"}
    query |= {"timeoutSeconds": str(LONGEST_WATCH), **matching(what.labels, what.fields)}
    path, asked = what.kind.path(what.namespace), f"watch {what}"
    accept = METADATA if what.metadata else JSON
    async with cluster.open("GET", path, asked, query, None, accept, endless=True) as answer:
        yield "BOOKMARK", {}
        rest = bytearray()
        async for part in answer.content.iter_any():
            rest += part
            if len(rest) > LONGEST_LINE:
                raise AdapterError(f"{cluster} sends a line of more than {LONGEST_LINE} bytes to {asked}")
            while (end := rest.find(b"\n")) >= 0:
                line = bytes(rest[:end])
                del rest[: end + 1]
                if line.strip():
                    yield _event(cluster, asked, line)


def _event(cluster: Cluster, asked: str, line: bytes) -> tuple[Change, Object]:
    try:
        said = json.loads(line)
        change, object = said["type"], said["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise AdapterError(f"{cluster} sends what is no event to {asked}") from error
    if change == "ERROR":
        raise refusal(asked, str(cluster), int(object.get("code") or 500), object)
    return change, object


class Mirror:
    """A copy in memory. `changed` is told of every object that came, changed or went, after the copy has it.

    `sight` is told when the cluster cannot be seen any more, and when it can again.
    """

    def __init__(
        self,
        cluster: Cluster,
        what: Selection,
        changed: Callable[[Change, Object], None] = lambda change, object: None,
        keep: Callable[[Object], Object] = slim,
        sight: Callable[[], None] = lambda: None,
    ) -> None:
        self.what = what
        self.objects: dict[Key, Object] = {}
        self.wrong: AdapterError | None = None  # None: what is here is true
        self._cluster, self._changed, self._keep, self._sight = cluster, changed, keep, sight
        self._version = ""
        self._current = asyncio.Event()  # set while the first list is there, or was tried and failed
        self._task: asyncio.Task[None] | None = None

    async def current(self) -> Mapping[Key, Object]:
        """All of it, once it is there. Raises AdapterError while the cluster does not tell: unknown is never empty."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name=f"watch {self.what}")
        await self._current.wait()
        if self.wrong is not None:
            raise self.wrong
        return self.objects

    def put(self, object: Object) -> None:
        """What a write of ours returned: seen at once, and not only when the watch says so. Never back in time."""
        key = _key(object)
        known = self.objects.get(key)
        if known is None or _later(object, known):
            self.objects[key] = self._keep(object)

    def drop(self, namespace: str, name: str, uid: str) -> None:
        """What we deleted; another that has its name since then stays."""
        known = self.objects.get((namespace, name))
        if known is not None and known["metadata"].get("uid") == uid:
            del self.objects[namespace, name]

    async def _follow(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._once()
                pause = FIRST_PAUSE
            except Expired:
                self._version = ""  # list again
            except AdapterError as error:
                self._trouble(error)
            except Exception as error:  # noqa: BLE001 - a mirror that ended in silence would be taken for the truth for ever
                self._unread(error)
            # Not all watches of all servers at the same moment, after an API server was away.
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - nothing secret
            pause = min(pause * 2, LONGEST_PAUSE) if self.wrong else FIRST_PAUSE

    async def _once(self) -> None:
        if not self._version:
            await self._list()
        async for change, object in watch(self._cluster, self.what, self._version):
            self._well()
            self._heard(change, object)
        self._well()

    async def _list(self) -> None:
        found: dict[Key, Object] = {}
        what, latest, accept = self.what, "", METADATA_LIST if self.what.metadata else JSON
        async for page, version in self._cluster.pages(what.kind, what.namespace, what.labels, what.fields, accept):
            found |= {_key(object): self._keep(object) for object in page}
            latest = version
        before, self.objects, self._version = self.objects, found, latest
        self._well()
        for key, object in found.items():
            if key not in before or _version(before[key]) != _version(object):
                self._changed("MODIFIED" if key in before else "ADDED", object)
        for key in before.keys() - found.keys():
            self._changed("DELETED", before[key])

    def _heard(self, change: Change, object: Object) -> None:
        self._version = _version(object) or self._version
        if change == "BOOKMARK":
            return
        kept, key = self._keep(object), _key(object)
        if change == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = kept
        self._changed(change, kept)

    def _well(self) -> None:
        was, self.wrong = self.wrong, None
        self._current.set()
        if was is not None:
            self._sight()

    def _trouble(self, error: AdapterError) -> None:
        was, self.wrong = self.wrong, error
        self._current.set()
        if was is None:
            LOG.warning("%s", error)
            self._sight()

    def _unread(self, error: Exception) -> None:
        if self.wrong is None:
            LOG.error("a defect: what is seen of %s cannot be read", self.what, exc_info=error)
        self._version = ""  # list again: what was missed is not known
        self._trouble(AdapterError(f"{self._cluster}: what is seen of {self.what} cannot be read ({short(error)})"))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._current.clear()


def _key(object: Object) -> Key:
    metadata = object.get("metadata") or {}
    return str(metadata.get("namespace", "")), str(metadata.get("name", ""))


def _version(object: Object) -> str:
    return str((object.get("metadata") or {}).get("resourceVersion", ""))


def _later(one: Object, other: Object) -> bool:
    """Versions are numbers that grow, since Kubernetes 1.35 by contract and before it in fact."""
    first, second = _version(one), _version(other)
    return not (first.isdecimal() and second.isdecimal()) or int(first) >= int(second)
