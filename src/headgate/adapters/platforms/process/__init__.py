"""Platform `process`: revisions as processes of this machine. Linux only: who a process is, is read from /proc."""

from headgate.adapters.platforms.process.platform import ProcessPlatform
from headgate.adapters.platforms.process.settings import ProcessSettings

__all__ = ["ProcessPlatform", "ProcessSettings"]
