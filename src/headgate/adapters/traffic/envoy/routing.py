"""Route configurations: who goes to which revision, at each of a service's three doors.

A request stays on its side by the header that every route sets and services pass on: `x-headgate-revision`, or the
member `headgate.revision` of W3C baggage. Its value is the revision, with `.preview` behind it for preview traffic.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from headgate.adapters.envoy_admin import Side, cluster_name
from headgate.adapters.traffic.envoy.files import Resource
from headgate.adapters.traffic.envoy.listeners import DOOR_HEADER, DOORS, Door
from headgate.model.ids import RevisionId
from headgate.model.routes import Backend, Routes

HEADER = "x-headgate-revision"
BAGGAGE_KEY = "headgate.revision"
COOKIE = "headgate-visitor"
PREVIEW_SUFFIX = ".preview"
UNSET = "unset"  # name of the only route of a door to which nothing was ever set

_UUID = "[0-9a-f-]{36}"
_YEAR = 31536000  # seconds
_RETRY = "connect-failure,refused-stream,reset-before-request"  # nothing has reached an instance yet


def door_name(environment: str, service: str, door: Door) -> str:
    return f"{environment}/{service}/{door}"


def route_configuration(routes: Routes, services: Sequence[str], silence: timedelta) -> Resource:
    """All doors of an environment in one resource: a change of weights is one rename, and whole or not at all."""
    hosts = [_host(routes, service, door, silence) for service in services for door in DOORS]
    return _configuration(routes.environment, hosts)


def with_closed_doors(environment: str, held: Resource | None, services: Sequence[str]) -> Resource:
    """The same configuration, with an answer of 503 at the doors that it does not know yet."""
    hosts = {one["name"]: one for one in (held or {}).get("virtual_hosts", [])}
    for service in services:
        for door in DOORS:
            unset = _virtual_host(service, door, [_refusal("no release serves here yet", UNSET)], {})
            hosts.setdefault(unset["name"], unset)
    return _configuration(environment, list(hosts.values()))


def _configuration(environment: str, hosts: list[Resource]) -> Resource:
    return {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": environment,
        "vhost_header": DOOR_HEADER,
        "request_headers_to_remove": [DOOR_HEADER],
        "virtual_hosts": hosts,
    }


def _host(routes: Routes, service: str, door: Door, silence: timedelta) -> Resource:
    write = _Routes(routes, service)
    made = {"public": write.public, "mesh": write.mesh, "preview": write.preview}[door]()
    return _virtual_host(service, door, list(made), _retries(silence))


def _virtual_host(service: str, door: Door, routes: list[Resource], retries: Resource) -> Resource:
    return {"name": f"{service}/{door}", "domains": [f"{service}.{door}"], "routes": routes, **retries}


def _retries(silence: timedelta) -> Resource:
    """No limit to a whole answer, which may be a stream; only to silence, which is answered and counted as 504."""
    kind = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    another = {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": kind}}
    policy = {
        "retry_on": _RETRY,
        "num_retries": 2,
        "per_try_idle_timeout": f"{silence.total_seconds():g}s",
        "retry_host_predicate": [another],
        "host_selection_retry_max_attempts": 5,
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
    }
    return {"retry_policy": policy}


def _refusal(why: str, name: str = "refusal", headers: Sequence[Resource] = ()) -> Resource:
    body = {"inline_string": f"headgate: {why}\n"}
    match = {"prefix": "/", "headers": list(headers)}
    return {"name": name, "match": match, "direct_response": {"status": 503, "body": body}}


def _exact(header: str, value: str) -> Resource:
    return {"name": header, "string_match": {"exact": value}}


def _like(header: str, pattern: str) -> Resource:
    return {"name": header, "string_match": {"safe_regex": {"regex": pattern}}}


def _mark(side: str, baggage: bool) -> list[Resource]:
    marks: list[Resource] = [{"header": {"key": HEADER, "value": side}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]
    if baggage:
        member = {"key": "baggage", "value": f"{BAGGAGE_KEY}={side}"}
        marks.append({"header": member, "append_action": "APPEND_IF_EXISTS_OR_ADD"})
    return marks


def side_value(revision: str, side: Side) -> str:
    return revision + (PREVIEW_SUFFIX if side == "preview" else "")


class _Routes:
    """The routes of one service."""

    def __init__(self, routes: Routes, service: str) -> None:
        self.routes = routes
        self.service = service
        self.backends = [backend for backend in routes.backends if service in backend.endpoints]

    def public(self) -> Iterator[Resource]:
        candidate, audience, sticky = self.routes.preview, self.routes.audience, self.routes.sticky
        if audience:
            headers = [_exact(name, value) for name, value in sorted(audience.headers.items())]
            if candidate and self._serves(candidate):
                yield self._to_one("audience", candidate, "live", headers)
            else:
                yield from self._by_weight(sticky, headers, "audience-")
        yield from self._by_weight(sticky)

    def mesh(self) -> Iterator[Resource]:
        sides = [(backend.revision, side) for backend in self.backends for side in self._sides(backend)]
        for revision, side in sides:
            value = side_value(revision, side)
            yield self._to_one(f"side:{value}", revision, side, [_exact(HEADER, value)])
        for revision, side in sides:
            value = side_value(revision, side)
            member = rf"(.*,)?\s*{re.escape(BAGGAGE_KEY)}\s*=\s*{re.escape(value)}\s*([,;].*)?"
            yield self._to_one(f"baggage:{value}", revision, side, [_like("baggage", member)])
        yield from self._by_weight(sticky=False)

    def preview(self) -> Iterator[Resource]:
        candidate = self.routes.preview
        if candidate and self._serves(candidate):
            yield self._to_one("preview", candidate, "preview", [])
        elif candidate:
            yield _refusal(f"{candidate} has no service {self.service}")
        else:
            yield _refusal("there is no candidate to preview")

    def _serves(self, revision: RevisionId) -> bool:
        return any(backend.revision == revision for backend in self.backends)

    def _sides(self, backend: Backend) -> tuple[Side, ...]:
        return ("live", "preview") if backend.revision == self.routes.preview else ("live",)

    def _by_weight(self, sticky: bool, headers: Sequence[Resource] = (), named: str = "") -> Iterator[Resource]:
        if sum(backend.weight for backend in self.backends) == 0:
            yield _refusal(f"no revision that has service {self.service} gets traffic", f"{named}refusal", headers)
        elif sticky:
            known = _like("cookie", rf"(.*;)?\s*{COOKIE}={_UUID}\s*(;.*)?")
            yield self._weighted(f"{named}returning", [*headers, known], {"cookie": {"name": COOKIE}})
            new = self._weighted(f"{named}new", headers, {"header": {"header_name": "x-request-id"}})
            yield {**new, "response_headers_to_add": [_cookie()]}
        else:
            yield self._weighted(f"{named}share", headers, None)

    def _weighted(self, name: str, headers: Sequence[Resource], bucket: Resource | None) -> Resource:
        shares: Resource = {"clusters": [self._share(backend) for backend in self.backends]}
        action: Resource = {"weighted_clusters": shares}
        if bucket:
            shares["use_hash_policy"] = True
            action["hash_policy"] = [bucket]
        return self._route(name, headers, action)

    def _share(self, backend: Backend) -> Resource:
        return {
            "name": cluster_name(self.routes.environment, self.service, backend.revision, "live"),
            "weight": backend.weight,
            "request_headers_to_add": _mark(backend.revision, baggage=True),
        }

    def _to_one(self, name: str, revision: str, side: Side, headers: Sequence[Resource]) -> Resource:
        cluster = cluster_name(self.routes.environment, self.service, revision, side)
        marks = _mark(side_value(revision, side), baggage=name in {"audience", "preview"})
        return {**self._route(name, headers, {"cluster": cluster}), "request_headers_to_add": marks}

    def _route(self, name: str, headers: Sequence[Resource], action: Resource) -> Resource:
        return {"name": name, "match": {"prefix": "/", "headers": list(headers)}, "route": {**action, "timeout": "0s"}}


def _cookie() -> Resource:
    """The request id becomes the visitor's name: equal strings hash alike, as header and as cookie."""
    value = f"{COOKIE}=%REQ(x-request-id)%; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax"
    return {"header": {"key": "set-cookie", "value": value}, "append_action": "APPEND_IF_EXISTS_OR_ADD"}
