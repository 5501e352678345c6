"""A cluster with two revisions of an application, a Gateway, and somebody who answers for its routes."""

import asyncio
from pathlib import Path
from typing import Any

from tests.adapters.kubernetes.slices import SliceMaker

from headgate.adapters.kubernetes.cluster import MERGE, Cluster, Object
from headgate.adapters.kubernetes.kinds import ENDPOINT_SLICE, GATEWAY, GATEWAY_CLASS, HTTP_ROUTE, Kind
from headgate.adapters.kubernetes.kinds import SERVICE as SERVICES
from headgate.adapters.kubernetes.login import Access
from headgate.adapters.kubernetes.names import labels, pods_of, workload_name
from headgate.adapters.kubernetes.watching import Change, Mirror, Selection
from headgate.model.ids import RevisionId
from headgate.testing.contracts.traffic import CANDIDATE, PRODUCTION, STABLE

CONTROLLER = "gateway.example.org/controller"
ENDPOINTS = {
    STABLE: {"quotes": ("10.0.0.1:8000",), "web": ("10.0.0.2:8000",)},
    CANDIDATE: {"quotes": ("10.0.1.1:8000",), "web": ("10.0.1.2:8000",)},
}


class Stage:
    def __init__(self, kubeconfig: Path, namespace: str, name: str = "public") -> None:
        self.cluster, self.namespace, self.name = Cluster(Access(str(kubeconfig))), namespace, name
        self.gateway = f"{namespace}/{name}"
        self.answers: dict[str, dict[str, str]] = {}  # condition -> what is said instead of True
        self.silent = False
        self.controller = CONTROLLER
        self.slices = SliceMaker(self.cluster, namespace)
        self._routes = Mirror(self.cluster, Selection(HTTP_ROUTE, namespace), self._heard)
        self._answering: set[asyncio.Task[None]] = set()

    async def begin(self, features: tuple[str, ...] = ()) -> None:
        spec: dict[str, Any] = {"controllerName": self.controller}
        await self.cluster.create(written(GATEWAY_CLASS, None, self.name, spec=spec))
        status = {"supportedFeatures": [{"name": one} for one in features], "conditions": conditions(1, "Accepted")}
        await self.cluster.patch(GATEWAY_CLASS, None, self.name, {"status": status}, part="status")
        listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}]
        listeners += [{"name": "tls", "port": 443, "protocol": "HTTPS"}]
        spec = {"gatewayClassName": self.name, "listeners": listeners}
        await self.cluster.create(written(GATEWAY, self.namespace, self.name, spec=spec))
        await self.programmed("True")
        for revision, services in ENDPOINTS.items():
            for service, addresses in services.items():
                await self.revision(service, revision, addresses)
        await self._routes.current()
        self.slices.start()

    async def programmed(self, status: str) -> None:
        said = conditions(1, "Accepted", Programmed={"status": status, "reason": "AddressNotAssigned", "message": "no"})
        body = {"status": {"conditions": said}}
        await self.cluster.patch(GATEWAY, self.namespace, self.name, body, part="status")

    async def change_class(self, body: Object) -> None:
        await self.cluster.patch(GATEWAY_CLASS, None, self.name, body)

    async def revision(self, service: str, revision: RevisionId, addresses: tuple[str, ...]) -> None:
        """As the platform makes it, and the cluster's own controller its EndpointSlice."""
        own, name = labels(PRODUCTION, service, revision), workload_name(service, revision)
        spec = {"selector": pods_of(PRODUCTION, service, revision), "ports": [{"name": "http", "port": 8000}]}
        await self.cluster.create(written(SERVICES, self.namespace, name, own, spec=spec))
        await self.cluster.create(
            written(
                ENDPOINT_SLICE,
                self.namespace,
                name,
                {**own, "kubernetes.io/service-name": name},
                addressType="IPv4",
                ports=[{"name": "http", "port": 8000, "protocol": "TCP"}],
                endpoints=endpoints_of(addresses),
            )
        )

    async def ready(self, service: str, revision: RevisionId, addresses: tuple[str, ...]) -> None:
        body = {"endpoints": endpoints_of(addresses)}
        await self.cluster.patch(ENDPOINT_SLICE, self.namespace, workload_name(service, revision), body)

    async def route(self, name: str = "web") -> Object:
        found = await self.cluster.get(HTTP_ROUTE, self.namespace, name)
        assert found is not None
        return found

    async def led(self, name: str) -> dict[str, str]:
        found = await self.cluster.get(SERVICES, self.namespace, name)
        assert found is not None
        return dict(found["spec"]["selector"])

    def _heard(self, change: Change, route: Object) -> None:
        """As a controller does: it answers each generation once."""
        answered = [one for parent in (route.get("status") or {}).get("parents") or [] for one in parent["conditions"]]
        generation = route["metadata"]["generation"]
        if change == "DELETED" or self.silent or any(one["observedGeneration"] == generation for one in answered):
            return
        task = asyncio.create_task(self._answer(route))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, route: Object) -> None:
        metadata = route["metadata"]
        said = conditions(metadata["generation"], "Accepted", "ResolvedRefs", **self.answers)
        refs = route["spec"]["parentRefs"]
        parents = [{"parentRef": ref, "controllerName": self.controller, "conditions": said} for ref in refs]
        await self.change(HTTP_ROUTE, metadata["name"], {"status": {"parents": parents}}, "status")

    async def change(self, kind: Kind, name: str, body: Object, part: str = "") -> None:
        """As somebody else."""
        path = kind.path(self.namespace, name, part)
        await self.cluster.json("PATCH", path, "change it", {"fieldManager": "somebody"}, body, MERGE)

    async def end(self) -> None:
        await asyncio.gather(self._routes.close(), self.slices.close())
        await asyncio.gather(*self._answering, return_exceptions=True)
        await self.cluster.delete(GATEWAY_CLASS, None, self.name)
        await self.cluster.close()


def written(kind: Kind, namespace: str | None, name: str, labels: dict[str, str] | None = None, **parts: Any) -> Object:
    metadata = {"name": name, "labels": labels or {}, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": kind.api, "kind": kind.name, "metadata": metadata, **parts}


def endpoints_of(addresses: tuple[str, ...]) -> list[Object]:
    return [{"addresses": [one.partition(":")[0]], "conditions": {"ready": True}} for one in addresses]


def conditions(generation: int, *kinds: str, **instead: dict[str, str]) -> list[Object]:
    usual = {"status": "True", "reason": "Done", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    said = {**{kind: {} for kind in kinds}, **instead}
    return [{"type": kind, **usual, **other, "observedGeneration": generation} for kind, other in said.items()]
