"""Routes as the API server holds them: put together from HTTPRoutes and Services, never from what was written."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from headgate.adapters.kubernetes.behind import Endpoints
from headgate.adapters.kubernetes.cluster import Object
from headgate.adapters.kubernetes.names import BACKENDS, workload_name
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Backend, Routes
from headgate.model.rules import Audience


def routes_of(
    environment: EnvironmentId, held: Collection[Object], endpoints: Endpoints, preview: RevisionId | None
) -> Routes:
    """`held`: the public HTTPRoutes. Where they disagree (someone edited) each revision has its greatest weight."""
    named = {workload_name(service, rev): rev for rev, services in endpoints.items() for service in services}
    weights = {revision: 0 for revision in _named(held) if revision in endpoints}
    for route in held:
        for name, weight in _serving(route):
            revision = named.get(name)
            if revision is not None:
                weights[revision] = max(weight, weights.get(revision, 0))
    backends = tuple(Backend(rev, weight, endpoints[rev]) for rev, weight in weights.items())
    shown = preview if preview in weights else None
    return Routes(environment, backends, shown, any(map(_sticky, held)), _audience(held))


def _named(held: Collection[Object]) -> Iterator[RevisionId]:
    """Where visitors are kept: those without a share are in no rule."""
    for route in held:
        named = (route["metadata"].get("annotations") or {}).get(BACKENDS, "")
        yield from (RevisionId(one) for one in named.split())


def _serving(route: Object) -> list[tuple[str, int]]:
    """Of rules that no header chooses."""
    rules = [rule for rule in route["spec"].get("rules") or [] if not _headers(rule)]
    refs = [ref for rule in rules for ref in rule.get("backendRefs") or []]
    return [(str(ref.get("name")), int(ref.get("weight", 1))) for ref in refs]


def _sticky(route: Object) -> bool:
    return any("sessionPersistence" in rule for rule in route["spec"].get("rules") or [])


def _audience(held: Collection[Object]) -> Audience | None:
    found = (_headers(rule) for route in held for rule in route["spec"].get("rules") or [])
    return next((Audience(headers) for headers in found if headers), None)


def _headers(rule: Mapping[str, Any]) -> dict[str, str]:
    matches = rule.get("matches") or [{}]
    return {str(one.get("name")): str(one.get("value")) for one in matches[0].get("headers") or []}
