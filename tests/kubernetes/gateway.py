"""A Gateway controller in miniature, of our own: HTTPRoutes become routes of a real Envoy, and it answers for them.

It answers once its proxy does what is written: no implementation may say more of a route, and many say it earlier.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.kubernetes.proxy import Proxy
from tests.kubernetes.translation import YES, Answers, Listener, Seen, attach, listeners, reached

from headgate.adapters.kubernetes.cluster import MERGE, Cluster, Object
from headgate.adapters.kubernetes.errors import NotFound
from headgate.adapters.kubernetes.kinds import ENDPOINT_SLICE, GATEWAY, GATEWAY_CLASS, HTTP_ROUTE, SERVICE, Kind
from headgate.adapters.kubernetes.watching import Mirror, Selection

CONTROLLER = "headgate.test/gateway"
FEATURES = ("Gateway", "HTTPRoute")
KINDS = (GATEWAY_CLASS, GATEWAY, HTTP_ROUTE, SERVICE, ENDPOINT_SLICE)
LONG_AGO = "2026-01-01T00:00:00Z"


class GatewayController:
    def __init__(self, cluster: Cluster, folder: Path, reached: Callable[[str], str] = reached) -> None:
        """`reached`: where a pod listens that has that address; itself, where pods are a kubelet's."""
        self._cluster, self.proxy, self._reached = cluster, Proxy(folder), reached
        self._moved = asyncio.Event()
        self._mirrors = {kind: self._mirror(kind) for kind in KINDS}
        self._task: asyncio.Task[None] | None = None

    def _mirror(self, kind: Kind) -> Mirror:
        return Mirror(self._cluster, Selection(kind), lambda change, object: self._moved.set())

    def start(self) -> None:
        self._task = asyncio.create_task(self._loop())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.gather(*(one.close() for one in self._mirrors.values()))
        await self.proxy.close()

    async def _loop(self) -> None:
        while True:
            self._moved.clear()
            await self._turn()
            await self._moved.wait()

    async def _turn(self) -> None:
        classes, gateways, routes, services, slices = [await one.current() for one in self._mirrors.values()]
        ours = {name for (_, name), one in classes.items() if one["spec"]["controllerName"] == CONTROLLER}
        own = [one for one in gateways.values() if one["spec"]["gatewayClassName"] in ours]
        seen = Seen(own, list(routes.values()), dict(services), list(slices.values()))
        offered = {_key(one): listeners(one) for one in own}
        answers = {_key(one): _parents(seen, one, offered) for one in seen.routes}
        ports: dict[int, list[Object]] = {}
        for one in (listener for each in offered.values() for listener in each):
            ports.setdefault(one.port, []).extend(one.virtual_hosts())
        if own:
            await self.proxy.program(seen.hosts(self._reached), ports)
        await self._answer([classes["", one] for one in ours], own, [(one, answers[_key(one)]) for one in seen.routes])

    async def _answer(
        self, classes: list[Object], gateways: list[Object], routes: list[tuple[Object, list[Object]]]
    ) -> None:
        for one in classes:
            features = [{"name": name} for name in FEATURES]
            said = {"supportedFeatures": features, "conditions": _conditions(one, {"Accepted": YES})}
            await self._tell(GATEWAY_CLASS, one, said)
        for one in gateways:
            said = {"conditions": _conditions(one, {"Accepted": YES, "Programmed": YES})}
            await self._tell(GATEWAY, one, said)
        for one, parents in routes:
            others = [each for each in _status(one).get("parents") or [] if each["controllerName"] != CONTROLLER]
            if parents or _status(one):
                await self._tell(HTTP_ROUTE, one, {"parents": others + parents})

    async def _tell(self, kind: Kind, object: Object, status: Object) -> None:
        if all(_status(object).get(name) == value for name, value in status.items()):
            return
        metadata = object["metadata"]
        path = kind.path(metadata.get("namespace"), metadata["name"], "status")
        with suppress(NotFound):
            await self._cluster.json("PATCH", path, "answer", {"fieldManager": CONTROLLER}, {"status": status}, MERGE)


def _parents(seen: Seen, route: Object, offered: dict[tuple[str, str], list[Listener]]) -> list[Object]:
    found = []
    for parent in route["spec"].get("parentRefs") or []:
        where = (parent.get("namespace") or route["metadata"]["namespace"], parent["name"])
        if where in offered:
            said = _conditions(route, attach(seen, route, parent, offered[where]))
            found.append({"parentRef": parent, "controllerName": CONTROLLER, "conditions": said})
    return found


def _conditions(object: Object, answers: Answers) -> list[Object]:
    generation = object["metadata"].get("generation", 0)
    common = {"observedGeneration": generation, "lastTransitionTime": LONG_AGO}
    return [
        {"type": kind, "status": status, "reason": reason or kind, "message": message, **common}
        for kind, (status, reason, message) in answers.items()
    ]


def _status(object: Object) -> Object:
    return dict(object.get("status") or {})


def _key(object: Object) -> tuple[str, str]:
    return object["metadata"].get("namespace", ""), object["metadata"]["name"]
