"""Notifier `github`: each rollout is a deployment of its commit, whose statuses say how far it is."""

from headgate.adapters.notifiers.github.deployments import GithubNotifier
from headgate.ports import Host


def create(host: Host) -> GithubNotifier:
    return GithubNotifier()
