"""A notifier in memory: it keeps what it was told, and a test may have it fail, hang or say that it is gone."""

import asyncio

from headgate.model.notices import Notice, Target


class FakeNotifier:
    def __init__(self) -> None:
        self.told: list[Notice] = []
        self.remembered: list[str] = []  # what came with each
        self.trouble: Exception | None = None
        self.hangs: asyncio.Event | None = None

    async def notify(self, notice: Notice, target: Target, remembered: str) -> str:
        if self.hangs is not None:
            await self.hangs.wait()
        if self.trouble is not None:
            raise self.trouble
        self.told.append(notice)
        self.remembered.append(remembered)
        return f"there-{notice.rollout}" if notice.rollout else ""

    @property
    def kinds(self) -> list[str]:
        return [notice.kind for notice in self.told]
