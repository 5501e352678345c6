"""What goes on while it is asked: events as they come, and output line by line."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from fastapi.responses import StreamingResponse

from headgate.engine import story
from headgate.engine.refusals import AdapterError
from headgate.model.events import Recorded

LONGEST_WAIT = 20.0  # seconds that a request for news is held open
LOOK = 0.05  # seconds between two looks at the version: an integer in memory
MOST_EVENTS = 1000  # of one answer; `more` says that there are later ones
FIRST_LINE = 0.5  # seconds that a first line is awaited before the answer begins


async def news(version: Callable[[], int], after: int, wait: float, closing: asyncio.Event) -> None:
    """Returns when there is something behind the version, or after `wait` seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(wait):
            while version() <= after and not closing.is_set():  # noqa: ASYNC110 - wheels tell nobody
                await asyncio.sleep(LOOK)


def told(recorded: list[Recorded], version: int) -> dict[str, Any]:
    """Events as sentences; `version` is where the stream stands, should there be none."""
    shown = [story.told(one) for one in recorded[:MOST_EVENTS]]
    last = shown[-1]["version"] if shown else version
    return {"events": shown, "version": last, "more": len(recorded) > len(shown)}


async def streamed(found: AsyncIterator[str], closing: asyncio.Event) -> StreamingResponse:
    """Lines as text. The first one is awaited, so that a refusal is still an error of its own."""
    first = asyncio.ensure_future(anext(found, None))
    await asyncio.wait({first}, timeout=FIRST_LINE)
    if first.done():
        first.result()
    return StreamingResponse(_lines(first, found, closing), media_type="text/plain; charset=utf-8")


Line = asyncio.Future[str | None]


async def _lines(line: Line, found: AsyncIterator[str], closing: asyncio.Event) -> AsyncIterator[str]:
    """To the end of the output, or of the server. What goes wrong after the first line can only be said in the text."""
    closed = asyncio.ensure_future(closing.wait())
    try:
        while not closed.done():
            either: set[asyncio.Future[Any]] = {line, closed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            text = line.result() if line.done() else None
            if text is None:
                return
            yield f"{text}\n"
            line = asyncio.ensure_future(anext(found, None))
    except AdapterError as error:
        yield f"headgate: {error}\n"
    finally:
        line.cancel()
        closed.cancel()
