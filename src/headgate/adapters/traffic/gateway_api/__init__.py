"""Traffic router `gateway_api`: HTTPRoutes at a Gateway of any conformant implementation."""

from headgate.adapters.kubernetes.login import installed
from headgate.adapters.traffic.gateway_api.router import GatewayRouter
from headgate.ports import Host, installed_with


@installed_with(installed)
def create(host: Host) -> GatewayRouter:
    return GatewayRouter(host.rules, host.changed)
