"""An answer up to a limit: whatever speaks to us, it does not fill this server's memory."""

import aiohttp

from headgate.ports import AdapterError

PART = 1 << 16  # bytes read at once


async def limited(answer: aiohttp.ClientResponse, largest: int, too_much: str) -> bytes:
    """Raises AdapterError with `too_much` for more than `largest` bytes."""
    body = bytearray()
    async for part in answer.content.iter_chunked(PART):
        body += part
        if len(body) > largest:
            raise AdapterError(too_much)
    return bytes(body)
