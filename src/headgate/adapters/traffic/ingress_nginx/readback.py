"""Routes as Ingresses hold them. The API server's word alone: ingress-nginx says of none whether it does it yet."""

from collections.abc import Collection

from headgate.adapters.kubernetes.behind import Endpoints
from headgate.adapters.kubernetes.cluster import Object
from headgate.adapters.kubernetes.names import BACKENDS, ROLE, SERVICE, workload_name
from headgate.adapters.kubernetes.shifting import CANDIDATE, STABLE
from headgate.adapters.traffic.ingress_nginx.rendering import HEADER, VALUE, WEIGHT
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Backend, Routes
from headgate.model.rules import Audience


def routes_of(
    environment: EnvironmentId, held: Collection[Object], endpoints: Endpoints, preview: RevisionId | None
) -> Routes:
    named = {workload_name(service, rev): rev for rev, services in endpoints.items() for service in services}
    shares: dict[RevisionId, int] = {}
    for service in sorted({one["metadata"]["labels"].get(SERVICE, "") for one in held}):
        sides = {one["metadata"]["labels"].get(ROLE): one for one in held if _of(one, service)}
        canary, home = sides.get(CANDIDATE), sides.get(STABLE)
        tried = _weight(canary) if canary and named.get(_backend(canary)) else 0
        for side, share in ((canary, tried), (home, 100 - tried)):
            revision = named.get(_backend(side)) if side else None
            if revision is not None:
                shares[revision] = max(share, shares.get(revision, 0))
    notes = [(one["metadata"].get("annotations") or {}).get(BACKENDS, "").split() for one in held]
    order = dict.fromkeys([*(RevisionId(one) for named in notes for one in named), *shares])
    backends = tuple(Backend(one, shares.get(one, 0), endpoints[one]) for one in order if one in endpoints)
    return Routes(environment, backends, preview if preview in endpoints else None, False, _audience(held))


def _of(ingress: Object, service: str) -> bool:
    return bool(ingress["metadata"]["labels"].get(SERVICE) == service)


def _backend(ingress: Object) -> str:
    https = [rule.get("http") or {} for rule in ingress["spec"].get("rules") or []]
    backends = [path.get("backend") or {} for http in https for path in http.get("paths") or []]
    names = {str((one.get("service") or {}).get("name", "")) for one in backends}
    return names.pop() if len(names) == 1 else ""


def _weight(ingress: Object) -> int:
    written = (ingress["metadata"].get("annotations") or {}).get(WEIGHT, "0")
    return min(int(written), 100) if written.isdecimal() else 0


def _audience(held: Collection[Object]) -> Audience | None:
    notes = [one["metadata"].get("annotations") or {} for one in held]
    return next((Audience({one[HEADER]: one.get(VALUE, "")}) for one in notes if one.get(HEADER)), None)
