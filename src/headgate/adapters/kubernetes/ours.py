"""Applying under names that others may have chosen too: what is there and is not ours is not written over."""

from headgate.adapters.kubernetes.cluster import Cluster, Object, told
from headgate.adapters.kubernetes.kinds import Kind
from headgate.adapters.kubernetes.names import APPLICATION, ENVIRONMENT, MANAGED_BY, REVISION, ROLE, SERVICE
from headgate.ports import AdapterError

WHOSE = (MANAGED_BY, APPLICATION, ENVIRONMENT)
WHAT = (SERVICE, ROLE, REVISION)


async def apply_ours(cluster: Cluster, object: Object, known: Object | None = None) -> Object:
    """Two environments of one namespace are one field manager: the API server sees no conflict between them.

    `known`: what a mirror has of that name, which saves asking.
    """
    kind, metadata = await cluster.kind(object), object["metadata"]
    found = known or await cluster.get(kind, metadata.get("namespace"), metadata["name"])
    if found is not None:
        _check(kind, found["metadata"].get("labels") or {}, object)
    return await cluster.apply(object)


def _check(kind: Kind, there: dict[str, str], object: Object) -> None:
    metadata, wanted = object["metadata"], object["metadata"]["labels"]
    begin = f"{told(kind, metadata.get('namespace'), metadata['name'])} is there already, and is"
    if there.get(MANAGED_BY) != wanted[MANAGED_BY]:
        adopt = " ".join(f"{key}={wanted[key]}" for key in WHOSE)
        command = f"kubectl label --overwrite {kind.plural}/{metadata['name']} {adopt}"
        remedy = f"name yours otherwise, or give it away, to be changed and deleted with the rest: `{command}`"
        raise AdapterError(f"{begin} not Headgate's: {remedy}")
    if any(there.get(key) != wanted[key] for key in WHOSE):
        others = f"{there.get(APPLICATION)}/{there.get(ENVIRONMENT)}"
        raise AdapterError(f"{begin} of environment {others}: give each environment a namespace of its own")
    if any(there.get(key) != wanted.get(key) for key in WHAT if key != SERVICE or key in there):
        what = ", ".join(f"{key.rpartition('/')[2]} {there[key]}" for key in WHAT if key in there) or "a team's own"
        raise AdapterError(f"{begin} Headgate's for something else ({what}): name yours otherwise")
