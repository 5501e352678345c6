"""A Lease object of the cluster: it says which Headgate leads, and writes to it fail where another came first."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headgate.adapters.kubernetes.cluster import Cluster, Object
from headgate.adapters.kubernetes.errors import Conflicted, NotFound
from headgate.adapters.kubernetes.kinds import LEASE
from headgate.model.leases import Lease
from headgate.ports import AdapterError

NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def place(written: str, namespace: Path = NAMESPACE) -> tuple[str, str]:
    """NAMESPACE/NAME, or a NAME in the namespace of this pod. Raises AdapterError."""
    where, _, name = written.rpartition("/")
    if where:
        return where, name
    try:
        return namespace.read_text().strip(), name
    except (OSError, ValueError) as error:
        raise AdapterError(f"the lease {name} has no namespace, and this is no pod: write NAMESPACE/{name}") from error


class ClusterLease:
    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._cluster, self._namespace, self._name = cluster, namespace, name

    async def read(self) -> Lease | None:
        found = await self._cluster.get(LEASE, self._namespace, self._name)
        return _read(found) if found is not None else None

    async def write(self, seen: Lease | None, holder: str, lasts: timedelta) -> Lease | None:
        """None: it is not as it was seen any more."""
        spec = _spec(seen, holder, lasts)
        try:
            if seen is None:
                metadata = {"namespace": self._namespace, "name": self._name}
                made = {"apiVersion": LEASE.api, "kind": LEASE.name, "metadata": metadata, "spec": spec}
                return _read(await self._cluster.create(made))
            patch = {"metadata": {"resourceVersion": seen.version}, "spec": spec}
            return _read(await self._cluster.patch(LEASE, self._namespace, self._name, patch))
        except Conflicted:
            return None
        except NotFound:
            if seen is None:
                raise  # of the namespace
            return None

    async def close(self) -> None:
        await self._cluster.close()


def _spec(seen: Lease | None, holder: str, lasts: timedelta) -> dict[str, Any]:
    """Times are for people who look at it: nobody's clock is believed."""
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    spec: dict[str, Any] = {
        "holderIdentity": holder or None,  # which takes it away
        "leaseDurationSeconds": max(1, round(lasts.total_seconds())),
        "renewTime": now,
    }
    if seen is None or seen.holder != holder:
        spec |= {"acquireTime": now, "leaseTransitions": seen.turns + 1 if seen else 0}
    return spec


def _read(found: Object) -> Lease:
    spec, metadata = found.get("spec") or {}, found.get("metadata") or {}
    lasts = timedelta(seconds=spec.get("leaseDurationSeconds") or 0)
    version = str(metadata.get("resourceVersion", ""))
    return Lease(str(spec.get("holderIdentity") or ""), lasts, int(spec.get("leaseTransitions") or 0), version)
