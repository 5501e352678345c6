"""EndpointSlices of Services that lead to what others lead to already, as the cluster's own controller makes them."""

import asyncio
from contextlib import suppress
from typing import Any

from headgate.adapters.kubernetes.behind import OF_SERVICE
from headgate.adapters.kubernetes.cluster import MERGE, Cluster, Object
from headgate.adapters.kubernetes.kinds import ENDPOINT_SLICE, SERVICE
from headgate.adapters.kubernetes.names import ROLE
from headgate.adapters.kubernetes.watching import Mirror, Selection
from headgate.ports import AdapterError

MANAGER = "endpoint-slice-controller"


class SliceMaker:
    """There are no pods in these tests: the slices of revisions' own Services say where they would be."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._moved = asyncio.Event()
        self._services, self._slices = (
            Mirror(cluster, Selection(kind, namespace), lambda change, object: self._moved.set())
            for kind in (SERVICE, ENDPOINT_SLICE)
        )
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._loop())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.gather(self._services.close(), self._slices.close())

    async def _loop(self) -> None:
        while True:
            self._moved.clear()
            with suppress(AdapterError):  # as where somebody else was first: the next turn sees it
                for (_, name), service in list((await self._services.current()).items()):
                    if ROLE in _labels(service):
                        await self._follow(name, service)
            await self._moved.wait()

    async def _follow(self, name: str, service: Object) -> None:
        held = await self._slices.current()
        selector = service["spec"].get("selector") or {}
        own = [one for one in held.values() if _labels(one).get(OF_SERVICE) != name and ROLE not in _labels(one)]
        selected = [one for one in own if selector.items() <= _labels(one).items()]
        parts: dict[str, Any] = {"endpoints": [end for one in selected for end in one.get("endpoints") or []]}
        parts["ports"] = next((one["ports"] for one in selected if one.get("ports")), [])
        known = held.get((self._namespace, name))
        if known is None:
            labels = {**_labels(service), OF_SERVICE: name}
            metadata = {"name": name, "namespace": self._namespace, "labels": labels}
            made = {"apiVersion": ENDPOINT_SLICE.api, "kind": ENDPOINT_SLICE.name, "metadata": metadata}
            self._slices.put(await self._cluster.create({**made, "addressType": "IPv4", **parts}))
        elif any(known.get(part) != value for part, value in parts.items()):
            path = ENDPOINT_SLICE.path(self._namespace, name)
            query = {"fieldManager": MANAGER}
            self._slices.put(await self._cluster.json("PATCH", path, "follow", query, parts, MERGE))


def _labels(object: Object) -> dict[str, str]:
    return dict(object["metadata"].get("labels") or {})
