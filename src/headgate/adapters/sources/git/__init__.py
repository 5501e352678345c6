"""Source `git`: repositories in folders of this machine."""

from headgate.adapters.sources.git.source import GitCommit, GitSource
from headgate.ports import Host

__all__ = ["GitCommit", "GitSource", "create"]


def create(host: Host) -> GitSource:
    return GitSource(host.folder)
