"""Sends a notice's events, one after the other, to an address of the file or of a variable."""

import json
from datetime import UTC, datetime

from headgate.adapters.credentials import from_variable
from headgate.adapters.notifiers.outgoing import Outgoing, taken
from headgate.adapters.notifiers.webhook.cdevents import events
from headgate.adapters.notifiers.webhook.signature import signed
from headgate.model.notices import Notice, Target

CONTENT = "application/cloudevents+json; charset=utf-8"


class WebhookNotifier:
    def __init__(self) -> None:
        self._outgoing = Outgoing()

    async def notify(self, notice: Notice, target: Target, remembered: str) -> str:
        settings = target.settings
        url = settings["url"] if "url" in settings else from_variable(settings["url_from"])
        key = from_variable(settings["secret_from"]) if "secret_from" in settings else None
        for event in events(notice):
            body, now = json.dumps(event).encode(), datetime.now(UTC)
            headers = {"Content-Type": CONTENT, **signed(event["id"], now, body, key)}
            taken(await self._outgoing.tell(url, headers, body), now)
        return ""

    async def close(self) -> None:
        await self._outgoing.close()
