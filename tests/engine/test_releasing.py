"""A release that is being recorded while the server ends."""

import asyncio
from typing import Any

import pytest

from headgate.engine.releasing import _whole


async def test_who_is_ended_while_recording_records_and_then_ends() -> None:
    """A server that stops would wait for ever for what goes on instead of ending."""
    recorded, begun = asyncio.Event(), asyncio.Event()

    async def recording() -> Any:
        begun.set()
        await asyncio.sleep(0)
        recorded.set()

    task = asyncio.create_task(_whole(recording()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert recorded.is_set()
