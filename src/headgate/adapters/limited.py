"""Asking by HTTP within limits: whatever speaks to us fills no memory, holds up nobody, and shows no address."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import aiohttp

from headgate.adapters.quoted import short
from headgate.ports import AdapterError

PART = 1 << 16  # bytes read at once
Connector = Callable[[], aiohttp.BaseConnector]


async def limited(answer: aiohttp.ClientResponse, largest: int, too_much: str) -> bytes:
    """Raises AdapterError with `too_much` for more than `largest` bytes."""
    body = bytearray()
    async for part in answer.content.iter_chunked(PART):
        body += part
        if len(body) > largest:
            raise AdapterError(too_much)
    return bytes(body)


class Plainly:
    """One session, opened when it is needed first. No cookies, and uncompressed: a few bytes must not become many."""

    def __init__(self, headers: Mapping[str, str] | None = None, connector: Connector | None = None) -> None:
        self._headers = {"Accept-Encoding": "identity", **(headers or {})}
        self._connector = connector
        self._opened: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        if self._opened is None or self._opened.closed:
            connector, jar = self._connector() if self._connector else None, aiohttp.DummyCookieJar()
            self._opened = aiohttp.ClientSession(
                connector=connector, cookie_jar=jar, auto_decompress=False, headers=self._headers
            )
        return self._opened

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()
            self._opened = None


@contextmanager
def in_words(it: str, patience: timedelta) -> Iterator[None]:
    """Everything that goes wrong with a request leaves as AdapterError about `it`."""
    try:
        yield
    except TimeoutError as error:
        raise AdapterError(f"{it} did not answer within {patience.total_seconds():g} s") from error
    except aiohttp.ClientResponseError as error:  # whose own text has the address with its query
        raise AdapterError(f"{it} answered with what is no HTTP ({type(error).__name__})") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise AdapterError(f"{it} cannot be reached ({short(plain(error))})") from error


def plain(error: Exception) -> str:
    """What the system said, without the address, which may hold a secret."""
    system = getattr(error, "os_error", error)
    words = system.strerror if isinstance(system, OSError) else ""
    return words or type(error).__name__
