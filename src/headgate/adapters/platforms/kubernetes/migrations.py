"""Migrations as Jobs of the cluster: each once, with its release's image and its revision's variables.

The Job stays when it has ended: it is what is remembered, with its pod for its last lines.
"""

from headgate.adapters.kubernetes.cluster import Cluster, Object
from headgate.adapters.kubernetes.errors import Conflicted
from headgate.adapters.kubernetes.kinds import JOB, POD
from headgate.adapters.kubernetes.names import JOB as JOB_LABEL
from headgate.adapters.kubernetes.names import LONGEST, environment_labels, is_ours, label, selector
from headgate.adapters.platforms.kubernetes.applying import apply_all
from headgate.adapters.platforms.kubernetes.making import Making
from headgate.adapters.platforms.kubernetes.place import Place
from headgate.adapters.platforms.kubernetes.pods import MAIN, pod_spec
from headgate.adapters.quoted import short
from headgate.model.checks import JobSeen
from headgate.model.clusters import ClusterRules
from headgate.model.ids import JobId
from headgate.model.schema import MigrationOrder
from headgate.ports import AdapterError

LAST_LINES = 10
PREFIX = "migration-"
SHELL = ("/bin/sh", "-c")


class Migrations:
    def __init__(self, making: Making) -> None:
        self._making = making

    async def start(self, cluster: Cluster, place: Place, order: MigrationOrder, rules: ClusterRules) -> None:
        """One that was started is left alone, whatever became of it."""
        name = _name(place, order.id)
        if await cluster.get(JOB, place.namespace, name) is not None:
            return
        revision, service = order.revision, order.revision.service(order.service)
        more = {"HEADGATE_MIGRATION": str(order.migration.level)}
        found, _ = await self._making.configured(cluster, place, revision, service, more)
        await apply_all(cluster, found.objects)
        pods = pod_spec(revision, service, (*SHELL, order.migration.command), found, rules)
        pods |= {"restartPolicy": "Never"}
        del pods["topologySpreadConstraints"]
        own = {**environment_labels(place.environment), JOB_LABEL: label(order.id)}
        spec: Object = {
            "backoffLimit": 0,  # once: whoever started it decides whether it is tried again
            "activeDeadlineSeconds": max(1, round(order.migration.timeout.total_seconds())),
            # Lost with its node, it is not begun a second time beside itself.
            "podReplacementPolicy": "Failed",
            "template": {"metadata": {"labels": own}, "spec": pods},
        }
        metadata = {"name": name, "namespace": place.namespace, "labels": own}
        try:
            await cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})
        except Conflicted:
            return  # a server that ended just then has made it

    async def seen(self, cluster: Cluster, place: Place, migration: JobId) -> JobSeen | None:
        found = await cluster.get(JOB, place.namespace, _name(place, migration))
        if found is None or not is_ours(found, place.environment):
            return None
        conditions = (found.get("status") or {}).get("conditions") or []
        true = {one["type"]: one for one in conditions if one.get("status") == "True"}
        if "Complete" in true:
            return JobSeen(migration, "passed")
        if "Failed" not in true:
            return JobSeen(migration, "running")
        why = short(true["Failed"].get("message") or true["Failed"].get("reason") or "it failed", 300)
        words = await self._last_words(cluster, place, migration)
        return JobSeen(migration, "failed", f"{why}: {words}" if words else why)

    async def _last_words(self, cluster: Cluster, place: Place, migration: JobId) -> str:
        own = selector({**environment_labels(place.environment), JOB_LABEL: label(migration)})
        try:
            pods, _ = await cluster.list(POD, place.namespace, own)
            lines: list[str] = []
            for pod in pods[-1:]:
                query = {"container": MAIN, "tailLines": str(LAST_LINES)}
                lines = [line async for line in cluster.lines(place.namespace, pod["metadata"]["name"], query)]
            return " | ".join(short(line) for line in lines if line.strip())
        except AdapterError:
            return ""  # its pod is gone; that it failed is known


def _name(place: Place, migration: JobId) -> str:
    """Of this environment, in a namespace that several may share."""
    _, _, name = place.environment.partition("/")
    return label(f"{name}-{migration}", LONGEST)
