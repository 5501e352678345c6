"""How few an autoscaler may leave, so that any revision of a service can take the whole of its traffic. Pure.

A switch, an abort or a rollback moves all traffic within milliseconds, and an autoscaler follows within minutes. So of
revisions side by side each keeps as many as the other runs now; whoever is left alone is its autoscaler's again.
"""

from collections.abc import Iterable, Sequence

from headgate.adapters.kubernetes.cluster import Object, Objects
from headgate.adapters.kubernetes.kinds import AUTOSCALER, DEPLOYMENT
from headgate.adapters.kubernetes.names import REVISION, SERVICE, label
from headgate.adapters.platforms.kubernetes.objects import MADE, REPLICAS, annotated, described


def beside(deployments: Iterable[Object], service: str, revision: str) -> int:
    """The most that any other revision of the service runs now. `deployments` as a Sight keeps them."""
    counts = [
        int(one["replicas"])
        for one in deployments
        if not one["metadata"].get("deletionTimestamp")
        and one["metadata"]["labels"].get(SERVICE) == label(service)
        and one["metadata"]["labels"].get(REVISION) != revision
    ]
    return max(counts, default=0)


def floor(least: int, most: int, others: int) -> int:
    """Never more than the file allows."""
    return max(least, min(others, most))


def held(objects: Sequence[Object], others: int) -> Objects:
    """The same objects of one service of a revision, ready for what the others carry."""
    scalers = [_scaler(one, others) for one in objects if one["kind"] == AUTOSCALER.name]
    if not scalers:
        return list(objects)
    begun = str(scalers[0]["spec"]["minReplicas"])
    kept = [one for one in objects if one["kind"] != AUTOSCALER.name]
    # A rollout waits for as many as the Deployment says, before any of them has been asked for.
    return [annotated(one, {REPLICAS: begun}) if one["kind"] == DEPLOYMENT.name else one for one in kept] + scalers


def lacking(deployment: Object) -> int:
    """As many as its autoscaler would ask for in its next round; 0 where it asks for no more than there are.

    `deployment` as the API server has it. Its autoscaler lets one rest that somebody has scaled to nothing.
    """
    notes, now = deployment["metadata"].get("annotations") or {}, int(deployment["spec"].get("replicas", 1))
    wanted = int(notes.get(REPLICAS, "0"))
    scaled = '"replicas"' not in notes.get(MADE, '"replicas"')
    return wanted if scaled and 0 < now < wanted else 0


def _scaler(object: Object, others: int) -> Object:
    spec, least = object["spec"], int(object["spec"].get("minReplicas") or 1)
    found = {**object, "spec": {**spec, "minReplicas": floor(least, int(spec["maxReplicas"]), others)}}
    # A team's own may be of an older API, which the server writes anew: nothing to compare with.
    return annotated(described(found) if object["apiVersion"] == AUTOSCALER.api else found, {REPLICAS: str(least)})


def kept_bounds(object: Object) -> dict[str, int]:
    """Of an autoscaler: what the file asks for at least, what it may leave now, and its most."""
    spec = object.get("spec") or {}
    told = (object["metadata"].get("annotations") or {}).get(REPLICAS, "")
    now = int(spec.get("minReplicas") or 1)
    return {"least": int(told) if told.isdecimal() else now, "now": now, "most": int(spec.get("maxReplicas") or now)}


def late(scaler: Object, others: int) -> str:
    """A sentence where it does not yet keep what it should, or holds on to what nobody else runs any more."""
    least, now, most = (scaler["bounds"][name] for name in ("least", "now", "most"))
    wanted = floor(least, most, others)
    if now == wanted:
        return ""
    why = f"the revision beside it runs {others}" if others > least else "nothing beside it runs more"
    return f"it keeps at least {now}, and {why}: {wanted} from now on"
