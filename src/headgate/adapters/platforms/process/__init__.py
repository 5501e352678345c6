"""Platform `process`: revisions as processes of this machine. Linux only: who a process is, is read from /proc."""

from functools import partial

from headgate.adapters.machine.secrets import known_secrets
from headgate.adapters.platforms.process.platform import ProcessPlatform
from headgate.adapters.platforms.process.settings import ProcessSettings
from headgate.ports import Host, hands_files

__all__ = ["ProcessPlatform", "ProcessSettings", "create"]


@hands_files
def create(host: Host) -> ProcessPlatform:
    settings = ProcessSettings(data=host.folder, releases=host.releases)
    return ProcessPlatform(settings, host.changed, host.secrets, partial(known_secrets, host))
