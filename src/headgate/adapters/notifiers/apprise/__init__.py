"""Notifier `apprise`: Slack, Teams, e-mail and a hundred other services that people read."""

from importlib.util import find_spec

from headgate.adapters.notifiers.apprise.teller import AppriseNotifier
from headgate.ports import Host, installed_with


@installed_with(lambda: find_spec("apprise") is not None)
def create(host: Host) -> AppriseNotifier:
    return AppriseNotifier()
