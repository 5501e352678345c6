"""A gatekeeper in memory: a test says what it answers, or lets it hang."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from headgate.model.observations import GateAnswer
from headgate.model.rules import WebhookGate


class FakeGatekeeper:
    def __init__(self) -> None:
        self.open: bool | None = None  # None: it is not known
        self.why = "nobody said"
        self.hangs: asyncio.Event | None = None  # answers once it is set
        self.asked: list[Mapping[str, object]] = []

    async def ask(self, gate: WebhookGate, question: Mapping[str, object], at: datetime) -> GateAnswer:
        self.asked.append(question)
        if self.hangs is not None:
            await self.hangs.wait()
        return GateAnswer(self.open, self.why, at)
