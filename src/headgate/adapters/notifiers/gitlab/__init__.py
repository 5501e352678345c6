"""Notifier `gitlab`: each rollout is a deployment of its commit, running, then success, failed or canceled."""

from headgate.adapters.notifiers.gitlab.deployments import GitlabNotifier
from headgate.ports import Host


def create(host: Host) -> GitlabNotifier:
    return GitlabNotifier()
