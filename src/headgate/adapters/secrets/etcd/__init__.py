"""Store `etcd`: keys of an etcd 3, for configuration that another system keeps; read as any secret."""

from headgate.adapters.secrets.etcd.store import EtcdStore
from headgate.ports import Host


def create(host: Host) -> EtcdStore:
    return EtcdStore()
