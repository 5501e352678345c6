"""Platform `process`: revisions as processes of this machine. Linux only: who a process is, is read from /proc."""

from headgate.adapters.platforms.process.platform import ProcessPlatform
from headgate.adapters.platforms.process.settings import ProcessSettings
from headgate.ports import Host, hands_files

__all__ = ["ProcessPlatform", "ProcessSettings", "create"]


@hands_files
def create(host: Host) -> ProcessPlatform:
    return ProcessPlatform(ProcessSettings(data=host.folder, releases=host.releases), host.changed, host.secrets)
