"""Traffic router `ingress_nginx`: canary annotations, for clusters without Gateway API."""

from headgate.adapters.kubernetes.login import installed
from headgate.adapters.traffic.ingress_nginx.router import IngressRouter
from headgate.ports import Host, installed_with


@installed_with(installed)
def create(host: Host) -> IngressRouter:
    return IngressRouter(host.rules, host.changed)
