"""What stands beside the services, in the cluster: applied once for each release, put back when that one goes.

A record for each revision says what its manifests hold, in a Secret that goes with it: nothing else remembers.
"""

import gzip
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime

from headgate.adapters.kubernetes.cluster import Cluster, Object
from headgate.adapters.kubernetes.kinds import SECRET
from headgate.adapters.kubernetes.names import BESIDE, REVISION, environment_labels, is_ours, selector, short
from headgate.adapters.kubernetes.ours import apply_ours
from headgate.adapters.platforms.kubernetes.manifests.allowed import RECORD
from headgate.adapters.platforms.kubernetes.manifests.manifest import Refused
from headgate.model.ids import EnvironmentId, RevisionId

AT = "headgate.dev/at"  # annotation: when it was applied first
LARGEST = 900_000  # bytes of a record; a Secret holds 1 MiB
# What people cannot have back: volumes, and what others outside of the namespace may use.
KEPT = ("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition", "StorageClass")
Key = tuple[str, str, str, str]
Records = dict[RevisionId, dict[Key, Object]]  # oldest first


class Beside:
    """Of one environment."""

    def __init__(self, cluster: Cluster, environment: EnvironmentId, namespace: str) -> None:
        self._cluster, self._environment, self._namespace = cluster, environment, namespace
        self._applied: RevisionId | None = None  # since this server started

    async def apply(self, revision: RevisionId, objects: list[Object]) -> None:
        """The latest revision's hold: one that is only healed does not take them back."""
        if self._applied == revision:
            return
        records = await self._records()
        if revision not in records:
            await self._cluster.apply(self._record(revision, objects))
        elif revision != list(records)[-1]:
            return
        for one in objects:
            await apply_ours(self._cluster, owned(one, revision))
        self._applied = revision

    async def retire(self, revision: RevisionId) -> None:
        """What another revision has too is put back as that one has it; the rest goes."""
        records = await self._records()
        if revision not in records:
            return
        kept = {key: owned(one, other) for other in records if other != revision for key, one in records[other].items()}
        for key, one in records[revision].items():
            await self._give_up(key, one, kept.get(key), revision)
        self._applied = None

    async def retire_all(self) -> None:
        for revision in await self._records():
            await self.retire(revision)
            await self._cluster.delete(SECRET, self._namespace, record_name(revision))

    async def _give_up(self, key: Key, object: Object, kept: Object | None, revision: RevisionId) -> None:
        kind = await self._cluster.kind(object)
        found = await self._cluster.get(kind, object["metadata"].get("namespace"), object["metadata"]["name"])
        metadata = (found or {}).get("metadata", {})
        if found is None or metadata.get("labels", {}).get(BESIDE) != revision or not is_ours(found, self._environment):
            return  # another revision's by now, or somebody else's
        if kept is not None:
            await self._cluster.apply(kept)
        elif object["kind"] not in KEPT:
            await self._cluster.delete(kind, metadata.get("namespace"), metadata["name"], metadata["uid"])

    async def _records(self) -> Records:
        labels = selector(environment_labels(self._environment))
        found, _ = await self._cluster.list(SECRET, self._namespace, labels, f"type={RECORD}")
        found = [one for one in found if one.get("type") == RECORD and not one["metadata"].get("deletionTimestamp")]
        found.sort(key=lambda one: one["metadata"].get("annotations", {}).get(AT, ""))
        return {RevisionId(one["metadata"]["labels"][REVISION]): _held(one) for one in found}

    def _record(self, revision: RevisionId, objects: list[Object]) -> Object:
        packed = b64encode(gzip.compress(json.dumps(objects).encode(), mtime=0)).decode()
        if len(packed) > LARGEST:
            found = f"{len(packed):,} bytes, packed; at most {LARGEST:,} can be put back"
            raise Refused(f"manifests: what stands beside the services takes {found}. Apply some of it yourself.")
        labels = {**environment_labels(self._environment), REVISION: revision}
        metadata = {"name": record_name(revision), "namespace": self._namespace, "labels": labels}
        metadata["annotations"] = {AT: datetime.now(UTC).isoformat(timespec="microseconds")}
        data = {"objects": b64encode(packed.encode()).decode()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": RECORD, "data": data}


def record_name(revision: RevisionId) -> str:
    return f"headgate-manifests-{short(revision)}"


def owned(object: Object, revision: RevisionId) -> Object:
    metadata = object["metadata"]
    return {**object, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), BESIDE: revision}}}


def key_of(object: Object) -> Key:
    metadata = object["metadata"]
    return object["apiVersion"], object["kind"], metadata.get("namespace", ""), metadata["name"]


def _held(record: Object) -> dict[Key, Object]:
    packed = b64decode(b64decode(record["data"]["objects"]))
    return {key_of(one): one for one in json.loads(gzip.decompress(packed))}
