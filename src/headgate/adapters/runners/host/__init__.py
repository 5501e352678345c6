"""Runner `host`: steps as processes of this machine, which outlive the server."""

from headgate.adapters.runners.host.runner import HostRunner
from headgate.adapters.runners.host.secrets import known_secrets
from headgate.adapters.runners.host.settings import HostSettings
from headgate.ports import Host

__all__ = ["HostRunner", "HostSettings", "create"]


def create(host: Host) -> HostRunner:
    # <data>/runners/host is the runner's own; the server's token lies at the top.
    settings = HostSettings(data=host.folder)
    return HostRunner(settings, lambda: known_secrets(host.folder.parent.parent / "token"), host.changed)
