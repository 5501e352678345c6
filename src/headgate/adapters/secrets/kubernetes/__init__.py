"""Secret store `kubernetes`: Secret objects of a cluster."""

from headgate.adapters.secrets.kubernetes.store import KubernetesStore
from headgate.ports import Host


def create(host: Host) -> KubernetesStore:
    return KubernetesStore()
