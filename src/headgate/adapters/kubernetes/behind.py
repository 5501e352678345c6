"""What stands behind the routes of one environment: its Services, and the addresses that they lead to.

The platform makes a Service for each revision of a service. The router makes two more for each service: one leads to
whoever has most of the traffic, for other services of the cluster, one to the candidate that is previewed.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headgate.adapters.kubernetes.cluster import MERGE, Cluster, Object
from headgate.adapters.kubernetes.kinds import ENDPOINT_SLICE
from headgate.adapters.kubernetes.kinds import SERVICE as SERVICES
from headgate.adapters.kubernetes.names import (
    FIELD_MANAGER,
    FOLLOWS,
    NAME,
    REVISION,
    ROLE,
    SERVICE,
    environment_labels,
    label,
    pods_of,
    selector,
    stable_name,
    workload_name,
)
from headgate.adapters.kubernetes.ours import apply_ours
from headgate.adapters.kubernetes.watching import Mirror, Selection
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.ports import AdapterError

PORT = 80  # of the router's own Services: services are told where others are before those were ever led to
NOBODY = "nobody"  # no revision is called so
STABLE = "stable"  # the role of a Service that leads to whoever has most of the traffic
OF_SERVICE = "kubernetes.io/service-name"  # of an EndpointSlice
Endpoints = dict[RevisionId, dict[str, tuple[str, ...]]]


class Behind:
    def __init__(
        self, cluster: Cluster, environment: EnvironmentId, namespace: str, changed: Callable[[], None]
    ) -> None:
        self._cluster, self._environment, self._namespace = cluster, environment, namespace
        ours = selector(environment_labels(environment))
        self._services, self._slices = (
            Mirror(cluster, Selection(kind, namespace, ours), lambda change, object: changed(), sight=changed)
            for kind in (SERVICES, ENDPOINT_SLICE)
        )

    async def endpoints(self) -> Endpoints:
        """Of every revision that the platform has made a Service for: what is ready, by service, sorted."""
        services, slices = await self._services.current(), await self._slices.current()
        ready = ready_addresses(slices.values())
        found: Endpoints = {}
        for (_, name), object in services.items():
            labels = object["metadata"].get("labels") or {}
            if REVISION in labels and ROLE not in labels:
                addresses = tuple(sorted(ready.get(name, ())))
                found.setdefault(RevisionId(labels[REVISION]), {})[labels[SERVICE]] = addresses
        return found

    async def port(self, service: str, revision: RevisionId) -> int:
        """Of the Service that leads to this revision alone. Raises AdapterError where the platform has none yet."""
        name = workload_name(service, revision)
        found = (await self._services.current()).get((self._namespace, name))
        if found is None or not found["spec"].get("ports"):
            raise AdapterError(f"{self._cluster}: there is no Service {self._namespace}/{name} with a port to route to")
        return int(found["spec"]["ports"][0]["port"])

    async def led_to(self, name: str) -> tuple[RevisionId | None, int]:
        """Whom a Service of the router leads to, and its port. None: nobody, or there is no such Service."""
        found = (await self._services.current()).get((self._namespace, name), {}).get("spec", {})
        revision = (found.get("selector") or {}).get(REVISION, NOBODY)
        ports = [int(one["port"]) for one in found.get("ports") or []]
        return None if revision == NOBODY else RevisionId(revision), next(iter(ports), 0)

    async def lead(self, service: str, name: str, role: str, revision: RevisionId | None) -> None:
        """Written only where it is otherwise. Nobody: a selector that no pod has, so that its address is kept."""
        if role == STABLE:
            await self._follow(service, revision)
        if name in await self._followers(service):
            return
        held = await self._services.current()
        known = held.get((self._namespace, name))
        to = held.get((self._namespace, workload_name(service, revision))) if revision else None
        wanted = led(self._environment, self._namespace, service, name, role, revision if to else None, to)
        if not _leads_so(known, wanted):
            self._services.put(await apply_ours(self._cluster, wanted, known))

    async def has_followed(self, service: str, name: str, revision: RevisionId | None) -> bool:
        """Whether the cluster has brought a Service to whom it was led: its own controller does so, a moment later."""
        ready = ready_addresses((await self._slices.current()).values())
        wanted = ready.get(workload_name(service, revision), ()) if revision else ()
        return name in await self._followers(service) or _hosts(ready.get(name, ())) == _hosts(wanted)

    async def astray(self, service: str, revision: RevisionId) -> bool:
        """Whether the stable's Service, or one of a team's own that follows it, leads to somebody else."""
        names = {stable_name(service), *await self._followers(service)}
        return any([(await self.led_to(name))[0] != revision for name in names])

    async def _follow(self, service: str, revision: RevisionId | None) -> None:
        """Their selector alone is ours, under a name of its own: whoever applies the rest leaves it as it is."""
        wanted = pods_of(self._environment, service, revision or RevisionId(NOBODY))
        for name, found in (await self._followers(service)).items():
            if found != wanted:
                body = {"spec": {"selector": {**dict.fromkeys(found), **wanted}}}  # None: it goes
                path, what = SERVICES.path(self._namespace, name), f"lead Service {self._namespace}/{name}"
                query = {"fieldManager": f"{FIELD_MANAGER}-traffic"}
                self._services.put(await self._cluster.json("PATCH", path, what, query, body, MERGE))

    async def _followers(self, service: str) -> dict[str, dict[str, str]]:
        """A team's own Services that lead to this service: name -> selector."""
        found = (await self._services.current()).items()
        own = {FOLLOWS: STABLE, SERVICE: label(service)}
        return {
            name: object["spec"].get("selector") or {}
            for (_, name), object in found
            if own.items() <= (object["metadata"].get("labels") or {}).items()
        }

    async def close(self) -> None:
        await self._services.close()
        await self._slices.close()


def led(
    environment: EnvironmentId,
    namespace: str,
    service: str,
    name: str,
    role: str,
    revision: RevisionId | None,
    to: Object | None,
) -> Object:
    """`to`: the revision's own Service, which knows where its pods listen."""
    target = next((one.get("targetPort", one["port"]) for one in to["spec"]["ports"]), "http") if to else "http"
    own = {**environment_labels(environment), NAME: label(service), SERVICE: label(service), ROLE: role}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": own},
        "spec": {
            "selector": pods_of(environment, service, revision or RevisionId(NOBODY)),
            "ports": [{"name": "http", "port": PORT, "targetPort": target, "protocol": "TCP", "appProtocol": "http"}],
        },
    }


def _hosts(addresses: Iterable[str]) -> set[str]:
    return {one.rpartition(":")[0] for one in addresses}


def _leads_so(known: Object | None, wanted: Object) -> bool:
    return known is not None and all(known["spec"].get(part) == value for part, value in wanted["spec"].items())


def ready_addresses(slices: Any) -> dict[str, set[str]]:
    """Service -> host:port of what is ready. An unset condition means ready, as the API has it."""
    found: dict[str, set[str]] = {}
    for one in slices:
        name = (one["metadata"].get("labels") or {}).get(OF_SERVICE, "")
        ports = [port["port"] for port in one.get("ports") or [] if port.get("port")]
        for endpoint in one.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                hosts: Mapping[str, Any] | list[str] = endpoint.get("addresses") or []
                found.setdefault(name, set()).update(f"{host}:{port}" for host in hosts for port in ports[:1])
    return found
