"""Notifier `webhook`: events in CDEvents form, signed in the manner of Standard Webhooks."""

from headgate.adapters.notifiers.webhook.sender import WebhookNotifier
from headgate.ports import Host


def create(host: Host) -> WebhookNotifier:
    return WebhookNotifier()
