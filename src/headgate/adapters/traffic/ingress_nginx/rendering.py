"""Ingresses of one service: the users' own, a canary beside it, and the preview. Weights are the canary's annotations.

ingress-nginx takes the canary's share; the rest goes where the users' own Ingress leads. So there are two sides.
"""

from collections.abc import Sequence

from headgate.adapters.kubernetes.cluster import Object
from headgate.adapters.kubernetes.kinds import INGRESS
from headgate.adapters.kubernetes.names import (
    BACKENDS,
    ROLE,
    SERVICE,
    candidate_name,
    environment_labels,
    label,
    preview_name,
    stable_name,
)
from headgate.adapters.kubernetes.shifting import CANDIDATE, PREVIEW, STABLE
from headgate.model.entrances import Entrance
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Routes
from headgate.model.rules import Audience

PREFIX = "nginx.ingress.kubernetes.io/"
IS_CANARY, WEIGHT = f"{PREFIX}canary", f"{PREFIX}canary-weight"
HEADER, VALUE = f"{PREFIX}canary-by-header", f"{PREFIX}canary-by-header-value"
NAMES = {STABLE: stable_name, CANDIDATE: candidate_name, PREVIEW: preview_name}


def sides(routes: Routes, having: Sequence[RevisionId]) -> tuple[RevisionId | None, RevisionId | None]:
    """Where the users' own Ingress leads, and the canary: who came first of the routes is on trial."""
    there = [one for one in routes.backends if one.revision in having]
    serving = [one for one in there if one.weight]
    if not serving:
        return None, None
    home = serving[-1].revision
    tried = next((one.revision for one in serving if one.revision != home), None)
    chosen = routes.preview if routes.audience and routes.preview in having else None
    return home, tried or (chosen if chosen != home else None)


def order(routes: Routes) -> dict[str, str]:
    """Of all backends, those without a share included: no field of an Ingress has them."""
    return {BACKENDS: " ".join(one.revision for one in routes.backends)}


def canary_annotations(weight: int, audience: Audience | None) -> dict[str, str]:
    found = {IS_CANARY: "true", WEIGHT: str(weight)}
    for name, value in audience.headers.items() if audience else ():
        found |= {HEADER: name, VALUE: value}
    return found


def ingress(
    environment: EnvironmentId,
    entrance: Entrance,
    namespace: str,
    service: str,
    role: str,
    backend: tuple[str, int],
    annotations: dict[str, str] | None = None,
) -> Object:
    hosts = [entrance.previews[service]] if role == PREVIEW else list(entrance.hostnames[service])
    name, port = backend
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": port}}}}
    return {
        "apiVersion": INGRESS.api,
        "kind": INGRESS.name,
        "metadata": {
            "name": NAMES[role](service),
            "namespace": namespace,
            "labels": {**environment_labels(environment), SERVICE: label(service), ROLE: role},
            "annotations": annotations or {},
        },
        "spec": {
            "ingressClassName": entrance.ingress_class,
            "rules": [{"host": host, "http": {"paths": [path]}} for host in hosts],
        },
    }
