"""What a Gateway controller makes of HTTPRoutes: virtual hosts for its proxy, and conditions for their writers."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.kubernetes.proxy import OWN

from headgate.adapters.kubernetes.behind import ready_addresses
from headgate.adapters.kubernetes.cluster import Object

Resource = dict[str, Any]
Key = tuple[str, str]  # namespace and name
YES = ("True", "", "")  # status, reason, message
Answers = dict[str, tuple[str, str, str]]  # condition -> status, reason, message


@dataclass
class Seen:
    """All that is there."""

    gateways: Collection[Object]  # of our class
    routes: Collection[Object]
    services: Mapping[Key, Object]
    slices: Collection[Object]

    def hosts(self, reached: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
        """Of each Service, by the name of its cluster: what is ready."""
        found: dict[str, tuple[str, ...]] = {}
        for namespace, name in self.services:
            own = [one for one in self.slices if one["metadata"]["namespace"] == namespace]
            ready = ready_addresses(own).get(name, set())
            found[cluster(namespace, name)] = tuple(sorted(map(reached, ready)))
        return found


@dataclass
class Listener:
    gateway: Object
    name: str
    port: int
    allowed: str  # Same or All
    routes: list[tuple[str, tuple[Any, ...], Resource]] = field(default_factory=list)  # host, order, route

    def virtual_hosts(self) -> list[Resource]:
        hosts = sorted({host for host, _, _ in self.routes})
        return [{"name": host, "domains": [host], "routes": self._of(host)} for host in hosts]

    def _of(self, host: str) -> list[Resource]:
        own = [(order, route) for name, order, route in self.routes if name == host]
        return [route for _, route in sorted(own, key=lambda one: one[0])]


def reached(address: str) -> str:
    """A pod's address where it really listens: the API takes no loopback addresses, and the tests have no others."""
    return "127." + address.partition(".")[2]


def cluster(namespace: str, name: str) -> str:
    return f"{OWN}/{namespace}/{name}"


def listeners(gateway: Object) -> list[Listener]:
    """Those for plain HTTP; this one has no certificates."""
    found = []
    for one in gateway["spec"]["listeners"]:
        allowed = ((one.get("allowedRoutes") or {}).get("namespaces") or {}).get("from", "Same")
        if one["protocol"] == "HTTP":
            found.append(Listener(gateway, one["name"], int(one["port"]), allowed))
    return found


def attach(seen: Seen, route: Object, parent: Object, to: list[Listener]) -> Answers:
    """Adds it to the listeners that it may have, and says how it stands there."""
    wanted = [one for one in to if parent.get("sectionName") in (None, one.name)]
    own = route["metadata"]["namespace"]
    taken = [one for one in wanted if one.allowed == "All" or one.gateway["metadata"]["namespace"] == own]
    for listener in taken:
        listener.routes += _written(seen, route)
    missing = sorted({name for name in _named(route) if (own, name) not in seen.services})
    if not wanted:
        accepted = ("False", "NoMatchingParent", f"no listener {parent.get('sectionName', 'for HTTP')}")
    elif not taken:
        accepted = ("False", "NotAllowedByListeners", f"no listener takes routes from {own}")
    else:
        accepted = YES
    resolved = ("False", "BackendNotFound", f"no Service {', '.join(missing)}") if missing else YES
    return {"Accepted": accepted, "ResolvedRefs": resolved}


def _named(route: Object) -> Iterator[str]:
    for rule in route["spec"].get("rules") or []:
        yield from (ref["name"] for ref in rule.get("backendRefs") or [])


def _written(seen: Seen, route: Object) -> Iterator[tuple[str, tuple[Any, ...], Resource]]:
    """The more particular comes first, of equals the older one, and then as it is written."""
    metadata = route["metadata"]
    age = (metadata["creationTimestamp"], metadata["namespace"], metadata["name"])
    for host in route["spec"].get("hostnames") or ["*"]:
        for rule in route["spec"].get("rules") or []:
            for match in rule.get("matches") or [{}]:
                path, headers = (match.get("path") or {}).get("value", "/"), match.get("headers") or []
                order = (-len(path), -len(headers), *age)
                yield host, order, {"match": _match(path, headers), **_action(metadata["namespace"], rule)}


def _match(path: str, headers: list[Object]) -> Resource:
    wanted = [{"name": one["name"], "string_match": {"exact": one["value"]}} for one in headers]
    return {"prefix": path, "headers": wanted}


def _action(namespace: str, rule: Object) -> Resource:
    """Shares of Services that are missing get 500, and so does everyone where nothing has a weight."""
    refs = [(ref["name"], int(ref.get("weight", 1))) for ref in rule.get("backendRefs") or []]
    if not sum(weight for _, weight in refs):
        return {"direct_response": {"status": 500}}
    shares = [{"name": cluster(namespace, name), "weight": weight} for name, weight in refs]
    missing = {"cluster_not_found_response_code": "INTERNAL_SERVER_ERROR"}
    return {"route": {"weighted_clusters": {"clusters": shares}, **missing}}
