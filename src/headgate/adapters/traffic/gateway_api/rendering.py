"""HTTPRoutes of one environment: one for each service that users reach, and one for its preview."""

from collections.abc import Mapping, Sequence

from headgate.adapters.kubernetes.behind import PORT
from headgate.adapters.kubernetes.cluster import Object
from headgate.adapters.kubernetes.kinds import HTTP_ROUTE
from headgate.adapters.kubernetes.names import (
    BACKENDS,
    ROLE,
    SERVICE,
    environment_labels,
    label,
    preview_name,
    stable_name,
    workload_name,
)
from headgate.adapters.kubernetes.shifting import PREVIEW, STABLE
from headgate.model.entrances import Entrance
from headgate.model.ids import RevisionId
from headgate.model.routes import Routes

COOKIE = "headgate"
Ports = Mapping[tuple[str, RevisionId], int]  # service and revision -> port of its Service; no others have the service


def parent(entrance: Entrance) -> dict[str, str]:
    namespace, _, name = entrance.gateway.partition("/")
    return {"namespace": namespace, "name": name, **({"sectionName": entrance.section} if entrance.section else {})}


def public_route(routes: Routes, entrance: Entrance, namespace: str, service: str, ports: Ports) -> Object:
    rules = _rules(routes, service, ports)
    return _route(routes, entrance, namespace, service, STABLE, entrance.hostnames[service], rules)


def preview_route(routes: Routes, entrance: Entrance, namespace: str, service: str, ports: Ports) -> Object:
    """To a Service of its own, so that nobody counts a preview among the users."""
    shown = routes.preview is not None and (service, routes.preview) in ports
    rule = {"backendRefs": [{"name": preview_name(service), "port": PORT, "weight": 1}] if shown else []}
    return _route(routes, entrance, namespace, service, PREVIEW, [entrance.previews[service]], [rule])


def _rules(routes: Routes, service: str, ports: Ports) -> list[Object]:
    """Without backends nobody is answered: the gateway says 500.

    A session outlives its backend's weight: where visitors are kept, who has no share must not be named at all, or an
    abort would leave the candidate those who are on it.
    """
    there = [one for one in routes.backends if (service, one.revision) in ports]
    having = [one for one in there if one.weight or not routes.sticky]
    serve: Object = {"backendRefs": [_to(service, one.revision, one.weight, ports) for one in having]}
    if routes.sticky:
        serve["sessionPersistence"] = {"type": "Cookie", "sessionName": COOKIE}
    if routes.audience is None:
        return [serve]
    shown = routes.preview if routes.preview and (service, routes.preview) in ports else None
    to = [_to(service, shown, 1, ports)] if shown else serve["backendRefs"]  # else as everybody, and read back
    headers = [{"type": "Exact", "name": n, "value": v} for n, v in sorted(routes.audience.headers.items())]
    chosen = {"matches": [{"headers": headers}], "backendRefs": to}
    return [chosen, serve]


def _to(service: str, revision: RevisionId, weight: int, ports: Ports) -> Object:
    return {"name": workload_name(service, revision), "port": ports[service, revision], "weight": weight}


def _route(
    routes: Routes,
    entrance: Entrance,
    namespace: str,
    service: str,
    role: str,
    hostnames: Sequence[str],
    rules: list[Object],
) -> Object:
    name = stable_name(service) if role == STABLE else preview_name(service)
    metadata: Object = {"name": name, "namespace": namespace}
    metadata["labels"] = {**environment_labels(routes.environment), SERVICE: label(service), ROLE: role}
    if routes.sticky:
        metadata["annotations"] = {BACKENDS: " ".join(one.revision for one in routes.backends)}
    return {
        "apiVersion": HTTP_ROUTE.api,
        "kind": HTTP_ROUTE.name,
        "metadata": metadata,
        "spec": {"parentRefs": [parent(entrance)], "hostnames": list(hostnames), "rules": rules},
    }
