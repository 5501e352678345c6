"""What goes on by itself, beside the wheels: a store or a registry that hangs holds up no rollout."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from datetime import timedelta

GRACE = timedelta(seconds=0.2)  # nearly always it takes less


class Advancing:
    """Of one application: one at a time, and once more for what happened meanwhile."""

    def __init__(self, advance: Callable[[], Awaitable[None]]) -> None:
        self._advance = advance
        self._news = False
        self._task: asyncio.Task[None] | None = None

    async def follow(self) -> None:
        """Something happened. Returns when all that follows was asked for, or in a moment; raises what went wrong."""
        self._news = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), context=Context())
        task = self._task
        await asyncio.wait([task], timeout=GRACE.total_seconds())
        if task.done():
            task.result()

    async def _run(self) -> None:
        while self._news:
            self._news = False
            try:
                await self._advance()
            except Exception:
                self._news = True
                raise

    @property
    def is_behind(self) -> bool:
        """It went wrong, and is not tried again until `follow` is asked."""
        return self._news and (self._task is None or self._task.done())

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
