"""What every router of Kubernetes asks of routes before it writes them, and shows of what is not yet so."""

import re
from collections.abc import Iterator, Mapping

from headgate.adapters.kubernetes.behind import Endpoints
from headgate.model.ids import RevisionId
from headgate.model.routes import Backend, Routes
from headgate.ports import AdapterError

STABLE, CANDIDATE, PREVIEW = "stable", "candidate", "preview"  # roles of Services and routes
NAME = re.compile("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def check_asked(services: Mapping[str, int | None]) -> None:
    """A name becomes a host's, and no port is ours to give: refused here whatever was checked before."""
    for service, port in services.items():
        if not NAME.fullmatch(service):
            raise AdapterError(f"{service!r} is not a service name: a-z, 0-9 and - only, at most 63")
        if port is not None:
            why = "its port is that of whose proxy carries the traffic"
            raise AdapterError(f"{service} cannot be had at port {port}: {why}; remove `listen`")


def check(routes: Routes) -> None:
    """What cannot be routed is refused before anything is written."""
    if sum(one.weight for one in routes.backends) not in (0, 100) or any(one.weight < 0 for one in routes.backends):
        shares = ", ".join(f"{one.revision} {one.weight}" for one in routes.backends)
        raise AdapterError(f"the weights of {routes.environment} sum neither to 100 nor to 0: {shares}")
    if routes.preview is not None and not routes.names(routes.preview):
        raise AdapterError(f"{routes.environment} is to preview {routes.preview}, which is not among its backends")
    if routes.audience is not None and not routes.audience.headers:
        raise AdapterError(f"the audience of {routes.environment} names no header, so everyone would be in it")


def late(routes: Routes, endpoints: Endpoints) -> Iterator[str]:
    """Never route to what is not ready: not even where the platform knew it before the Service did."""
    for one in routes.backends:
        for service, wanted in one.endpoints.items():
            there = endpoints.get(one.revision, {}).get(service, ())
            if there != wanted:
                yield f"the Service of {service} in {one.revision} leads to {len(there)} of {len(wanted)} instances"


def leading(routes: Routes, service: str) -> RevisionId | None:
    """Whom other services of the cluster reach: whoever has most of the traffic, of equals the one trusted longer."""
    having = [one for one in routes.backends if service in one.endpoints and one.weight]
    return max(reversed(having), key=lambda one: one.weight).revision if having else None


def without_endpoints(routes: Routes) -> Routes:
    """What is done is not all of what these routes mean: nobody shall take them for set."""
    bare = tuple(Backend(one.revision, one.weight, {}) for one in routes.backends)
    return Routes(routes.environment, bare, routes.preview, routes.sticky, routes.audience)
