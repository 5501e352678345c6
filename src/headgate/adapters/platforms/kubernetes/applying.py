"""Applying a set of objects: in order, never by force, and never over what is not ours."""

import logging
from collections.abc import Iterable, Sequence

from headgate.adapters.kubernetes.cluster import MERGE, Cluster, Object, Objects, told
from headgate.adapters.kubernetes.errors import Conflicted, Forbidden, NoSuchKind, OwnedByOthers
from headgate.adapters.kubernetes.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    HTTP_ROUTE,
    INGRESS,
    JOB,
    NAMESPACE,
    SECRET,
    SERVICE,
    Kind,
)
from headgate.adapters.kubernetes.names import FIELD_MANAGER, environment_labels, is_managed, is_ours, selector
from headgate.adapters.platforms.kubernetes.drift import HANDS, rewritten
from headgate.adapters.platforms.kubernetes.place import Place
from headgate.adapters.platforms.kubernetes.scaling import lacking
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)
IMMUTABLE = (CONFIG_MAP.name, SECRET.name)  # made once: what has their name has their content
# Everything that a revision is made of; its Deployment last, so that what was begun is begun again after a crash.
MADE_OF: tuple[Kind, ...] = (AUTOSCALER, DISRUPTION_BUDGET, SERVICE, CONFIG_MAP, SECRET, DEPLOYMENT)
OF_ENVIRONMENTS: tuple[Kind, ...] = (JOB, *MADE_OF)
ROUTES: tuple[Kind, ...] = (HTTP_ROUTE, INGRESS)  # which router has made some is nowhere remembered


async def apply_all(cluster: Cluster, objects: Iterable[Object], heal: bool = True) -> Objects:
    """As the API server has them now. Doing it twice is doing it once.

    `heal`: what a person changed by hand is taken back. OwnedByOthers where a controller holds a field.
    """
    return [await applied(cluster, one, heal) for one in objects]


async def applied(cluster: Cluster, object: Object, heal: bool = True) -> Object:
    if object["kind"] in IMMUTABLE:
        return await _made_once(cluster, object, heal)
    try:
        return await cluster.apply(object)
    except OwnedByOthers as error:
        if not heal or not all(HANDS.match(manager) for manager, _ in error.owners):
            raise
        return await taken_back(cluster, object)


async def begun(cluster: Cluster, deployment: Object) -> Object:
    """What its autoscaler does within 15 s is done at once; under a name of its own, so that the field stays free."""
    wanted, metadata = lacking(deployment), deployment["metadata"]
    if not wanted:
        return deployment
    body = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "spec": {"replicas": wanted}}
    path, what = DEPLOYMENT.path(*_where(deployment)), f"begin with {wanted} of {told(DEPLOYMENT, *_where(deployment))}"
    try:
        return await cluster.json("PATCH", path, what, {"fieldManager": f"{FIELD_MANAGER}-begins"}, body, MERGE)
    except Conflicted:
        return deployment  # its autoscaler was first


async def taken_back(cluster: Cluster, object: Object) -> Object:
    """The one place where a field is taken from somebody: from a person's tool, on an object that Headgate made."""
    kind = await cluster.kind(object)
    namespace, name = object["metadata"].get("namespace"), object["metadata"]["name"]
    found = await cluster.get(kind, namespace, name)
    if found is not None and not is_managed(found):
        raise AdapterError(f"{told(kind, namespace, name)} is not Headgate's: remove it, or name another namespace")
    query = {"fieldManager": FIELD_MANAGER, "force": "true"}
    what = f"put back {told(kind, namespace, name)}"
    return await cluster.json("PATCH", kind.path(namespace, name), what, query, object, "application/apply-patch+yaml")


async def _made_once(cluster: Cluster, object: Object, heal: bool) -> Object:
    """Of another's making under our name it is made anew: what is immutable cannot be put back."""
    kind, (namespace, name) = await cluster.kind(object), _where(object)
    found = await cluster.get(kind, namespace, name)
    if found is not None and not is_managed(found):
        raise AdapterError(f"{told(kind, namespace, name)} is not Headgate's: remove it, or name another namespace")
    if found is not None and not (heal and rewritten(found)):
        return await _labelled(cluster, found, object)
    if "data" not in object:
        raise AdapterError(f"{told(kind, namespace, name)} went while it was looked for; its values are read again")
    if found is not None:
        await cluster.delete(kind, namespace, name, found["metadata"]["uid"])
    return await cluster.apply(object)


async def _labelled(cluster: Cluster, found: Object, object: Object) -> Object:
    """By its labels it is found again, whoever took them off."""
    wanted = object["metadata"]["labels"]
    if wanted.items() <= found["metadata"]["labels"].items():
        return found
    return await cluster.patch(await cluster.kind(object), *_where(object), {"metadata": {"labels": wanted}})


def _where(object: Object) -> tuple[str, str]:
    return object["metadata"]["namespace"], object["metadata"]["name"]


async def ensure_namespace(cluster: Cluster, place: Place) -> None:
    """Made where it is missing; one that is there is left as it is, whoever made it."""
    if await cluster.get(NAMESPACE, None, place.namespace) is None:
        metadata = {"name": place.namespace, "labels": environment_labels(place.environment)}
        await cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


async def remove(cluster: Cluster, place: Place, labels: dict[str, str], kinds: Sequence[Kind] = MADE_OF) -> Objects:
    """What has these labels and is this environment's, each by its own identity. Returns what was told to go."""
    gone: Objects = []
    wanted = selector({**environment_labels(place.environment), **labels})
    for kind in kinds:
        try:
            found, _ = await cluster.list(kind, place.namespace, wanted)
        except NoSuchKind:  # Gateway API and the like: what is not served was not made
            continue
        except Forbidden as error:
            if kind not in ROUTES:
                raise
            LOG.warning("%s; no router without that right has made any", error)
            continue
        for object in found:
            metadata = object["metadata"]
            if is_ours(object, place.environment) and not metadata.get("deletionTimestamp"):
                await cluster.delete(kind, place.namespace, metadata["name"], metadata["uid"])
                gone.append(object)
    return gone
