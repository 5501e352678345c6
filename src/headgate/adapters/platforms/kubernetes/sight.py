"""What is seen of one environment in its cluster: mirrors of its objects, kept small, and what changes is told."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from headgate.adapters.kubernetes.cluster import Cluster, Object
from headgate.adapters.kubernetes.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    EVENT,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    Kind,
)
from headgate.adapters.kubernetes.names import REVISION, environment_labels, selector
from headgate.adapters.kubernetes.names import SERVICE as SERVICE_LABEL
from headgate.adapters.kubernetes.watching import Change, Mirror, Selection, slim
from headgate.adapters.platforms.kubernetes.drift import drifted, rewritten
from headgate.adapters.platforms.kubernetes.health import Pod, Told, instance, main_of, missing
from headgate.adapters.platforms.kubernetes.objects import NEEDS, REPLICAS
from headgate.adapters.platforms.kubernetes.place import Place
from headgate.adapters.platforms.kubernetes.scaling import beside, kept_bounds, late
from headgate.adapters.quoted import short
from headgate.model.clusters import Drift
from headgate.model.ids import RevisionId
from headgate.model.observations import Instance
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)
LAST_LINES = 5  # of a container that ended
KEPT_LABELS = (REVISION, SERVICE_LABEL)
# Said after each event of the same reason that holds the registry's own words.
SAYS_NOTHING = ("Error: ErrImagePull", "Error: ImagePullBackOff")


class Sight:
    def __init__(self, cluster: Cluster, place: Place, changed: Callable[[], None]) -> None:
        self.place = place
        self._cluster, self._changed = cluster, changed
        own = f"{selector(environment_labels(place.environment))},{REVISION}"  # migrations are of none
        self.deployments = self._mirror(DEPLOYMENT, own, kept_deployment)
        self.replica_sets = self._mirror(REPLICA_SET, own, kept_owner)
        self.services = self._mirror(SERVICE, own, kept_spec)
        self.autoscalers = self._mirror(AUTOSCALER, own, kept_autoscaler)
        self.budgets = self._mirror(DISRUPTION_BUDGET, own, kept_spec)
        # Who changed them is in their metadata: no value is sent, nor kept here.
        self.config_maps, self.secrets = (
            self._mirror(kind, own, kept_content, metadata=True) for kind in (CONFIG_MAP, SECRET)
        )
        self.pods = self._mirror(POD, own, kept_pod)
        self.events = Mirror(
            cluster, Selection(EVENT, place.namespace, fields="type=Warning"), self._warned, kept_event
        )
        self._told: dict[str, dict[str, Told]] = {}  # name of a pod -> reason -> the latest
        self._words: dict[tuple[str, int], str] = {}  # uid and restarts of a pod -> its last lines
        self._reading: set[asyncio.Task[None]] = set()

    def _mirror(self, kind: Kind, labels: str, keep: Callable[[Object], Object], metadata: bool = False) -> Mirror:
        selection = Selection(kind, self.place.namespace, labels, metadata=metadata)
        return Mirror(self._cluster, selection, lambda change, object: self._changed(), keep, self._changed)

    async def current(self) -> None:
        """Raises AdapterError while any of it cannot be told. Events are only words: without them the rest is true."""
        needed = (self.replica_sets, self.pods, *self._compared().values())
        results = await asyncio.gather(*(one.current() for one in (*needed, self.events)), return_exceptions=True)
        for found in results[: len(needed)]:
            if isinstance(found, BaseException):
                raise found
        if isinstance(results[-1], BaseException) and not isinstance(results[-1], AdapterError):
            raise results[-1]

    def instances(self) -> Sequence[Instance]:
        found: list[Instance] = []
        alive: dict[str, int] = {}
        wanted = self._wanted()
        for object in self.pods.objects.values():
            deployment = wanted.get(_owner(object))
            one = instance(self._pod(object, deployment is None))
            found.append(one)
            if deployment is not None and one.state != "stopping" and not _over(object):
                alive[deployment] = alive.get(deployment, 0) + 1
        for object in self.deployments.objects.values():
            if not object["metadata"].get("deletionTimestamp"):
                found += missing(object, alive.get(object["metadata"]["uid"], 0))
        return sorted(found, key=lambda one: one.id)

    def drift(self, heal: bool) -> Sequence[Drift]:
        """What somebody changed or deleted by hand, a sentence for each object."""
        found = [*self._changes(heal), *self._deleted(heal), *self._late()]
        return sorted(found, key=lambda one: one.what)

    def _changes(self, heal: bool) -> Iterator[Drift]:
        for kind, mirror in self._compared().items():
            for (namespace, name), object in mirror.objects.items():
                if object["drift"] and not object["metadata"].get("deletionTimestamp"):
                    yield Drift(_revision(object), f"{kind} {namespace}/{name}: {'; '.join(object['drift'])}", heal)

    def _deleted(self, heal: bool) -> Iterator[Drift]:
        there = self._compared()
        for (namespace, _), object in self.deployments.objects.items():
            for kind, _slash, needed in (one.partition("/") for one in object["needs"]):
                if kind in there and (namespace, needed) not in there[kind].objects:
                    yield Drift(_revision(object), f"{kind} {namespace}/{needed} was deleted", heal)
        for key, object in self.services.objects.items():
            if key not in self.deployments.objects and _revision(object):
                yield Drift(_revision(object), f"Deployment {'/'.join(key)} was deleted", heal)

    def beside(self, service: str, revision: RevisionId) -> int:
        """The most that another revision of the service runs now."""
        return beside(self.deployments.objects.values(), service, revision)

    def _late(self) -> Iterator[Drift]:
        """Autoscalers that do not keep what their revision may have to carry: nobody's doing but the load's."""
        for (namespace, name), object in self.autoscalers.objects.items():
            service, revision = object["metadata"]["labels"].get(SERVICE_LABEL, ""), _revision(object)
            said = late(object, self.beside(service, revision))
            if said and not object["drift"] and not object["metadata"].get("deletionTimestamp"):
                yield Drift(revision, f"{AUTOSCALER.name} {namespace}/{name}: {said}", by_hand=False)

    def put(self, object: Object) -> None:
        """What a write returned."""
        mirror = self._compared().get(object["kind"])
        if mirror is not None:
            mirror.put(object)

    def _compared(self) -> dict[str, Mirror]:
        """Mirrors of what the platform makes itself, by kind."""
        made = (self.deployments, self.services, self.autoscalers, self.budgets, self.config_maps, self.secrets)
        return {one.what.kind.name: one for one in made}

    def gone(self, object: Object) -> None:
        """What was told to go does not want its pods any more, before the watch says so."""
        metadata = object["metadata"]
        mirror = self._compared().get(object["kind"])
        if mirror is not None:
            mirror.drop(metadata.get("namespace", ""), metadata["name"], metadata["uid"])

    # --- pods

    def _wanted(self) -> dict[str, str]:
        """ReplicaSet -> the Deployment that is there and wants its pods, by uid. Other pods are on their way out."""
        every = (one["metadata"] for one in self.deployments.objects.values())
        there = {one["uid"] for one in every if not one.get("deletionTimestamp")}
        owners = {one["metadata"]["uid"]: _owner(one) for one in self.replica_sets.objects.values()}
        return {replica_set: owner for replica_set, owner in owners.items() if owner in there}

    def _pod(self, object: Object, stopping: bool) -> Pod:
        metadata = object["metadata"]
        main = main_of((object.get("status") or {}).get("containerStatuses"))
        state, key = main.get("state") or {}, (metadata["uid"], int(main.get("restartCount") or 0))
        ended = "running" not in state and (state.get("terminated") or main.get("lastState"))
        if ended and key not in self._words and not stopping:
            others = {one["metadata"]["uid"] for one in self.pods.objects.values()} - {metadata["uid"]}
            # Those of its life before stand until these are read: the third death in a row aborts at once.
            before = next((words for known, words in self._words.items() if known[0] == metadata["uid"]), "")
            self._words = {known: words for known, words in self._words.items() if known[0] in others}
            self._words[key] = before
            self._start(self._read_words(key, metadata["name"], main["name"], "terminated" not in state))
        return Pod(object, stopping, self._told.get(metadata["name"], {}), self._words.get(key, ""))

    async def _read_words(self, key: tuple[str, int], pod: str, container: str, previous: bool) -> None:
        query = {"container": container, "tailLines": str(LAST_LINES), **({"previous": "true"} if previous else {})}
        try:
            lines = [line async for line in self._cluster.lines(self.place.namespace, pod, query)]
        except AdapterError as error:
            LOG.info("the last words of %s cannot be read: %s", pod, error)
            return
        self._words[key] = " | ".join(short(line) for line in lines if line.strip())
        self._changed()

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    def _warned(self, change: Change, event: Object) -> None:
        about = event["about"]
        if event["message"] in SAYS_NOTHING:
            return
        if change == "DELETED":
            self._told.pop(about, None)
            return
        told = Told(event["reason"], event["message"], event["at"])
        self._told.setdefault(about, {})[told.reason] = told
        if (self.place.namespace, about) in self.pods.objects:
            self._changed()

    async def close(self) -> None:
        for task in self._reading:
            task.cancel()
        mirrors = (*self._compared().values(), self.replica_sets, self.pods, self.events)
        await asyncio.gather(*(one.close() for one in mirrors))


def kept_deployment(object: Object) -> Object:
    spec, notes = object.get("spec") or {}, object["metadata"].get("annotations") or {}
    told = notes.get(REPLICAS, "")
    replicas = int(spec.get("replicas") or 0)
    scaled = '"replicas"' not in notes.get("headgate.dev/made", "")  # by an autoscaler, which begins with one
    wanted = max(replicas, int(told)) if scaled and told.isdecimal() else replicas
    kept = kept_owner(object)
    needs = tuple(notes.get(NEEDS, f"Service/{object['metadata']['name']}").split())
    found = {"wanted": wanted, "replicas": replicas, "drift": drifted(object), "needs": needs}
    return {**kept, **found, "status": object.get("status") or {}}


def kept_autoscaler(object: Object) -> Object:
    return {**kept_owner(object), "drift": drifted(object), "bounds": kept_bounds(object)}


def kept_spec(object: Object) -> Object:
    return {**kept_owner(object), "drift": drifted(object)}


def kept_content(object: Object) -> Object:
    return {**kept_owner(object), "drift": rewritten(object)}


def kept_owner(object: Object) -> Object:
    metadata = slim(object)["metadata"]
    names = ("name", "namespace", "uid", "resourceVersion", "ownerReferences", "deletionTimestamp")
    kept = {name: metadata[name] for name in names if name in metadata}
    labels = metadata.get("labels") or {}
    kept["labels"] = {name: labels[name] for name in KEPT_LABELS if name in labels}
    return {"metadata": kept}


def kept_pod(object: Object) -> Object:
    spec = object.get("spec") or {}
    ports = main_of(spec.get("containers")).get("ports", [])[:1]
    return {**kept_owner(object), "spec": {"containers": [{"ports": ports}]}, "status": object.get("status") or {}}


def kept_event(object: Object) -> Object:
    about = object.get("involvedObject") or {}
    at = object.get("lastTimestamp") or object.get("eventTime") or object["metadata"].get("creationTimestamp") or ""
    metadata = {name: object["metadata"].get(name, "") for name in ("name", "namespace", "resourceVersion")}
    said = {"reason": str(object.get("reason", "")), "message": str(object.get("message", ""))}
    return {"metadata": metadata, "about": str(about.get("name", "")), "at": str(at), **said}


def _owner(object: Object) -> str:
    return next((one["uid"] for one in object["metadata"].get("ownerReferences") or [] if one.get("controller")), "")


def _revision(object: Object) -> RevisionId:
    return RevisionId((object["metadata"].get("labels") or {}).get(REVISION, ""))


def _over(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded")
