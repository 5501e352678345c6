"""Asks the quotes service over one pool of connections that is kept open."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import aiohttp

# Passed on as they came. During a canary two versions of quotes run side by side; the proxy marks a visitor's request
# with the side it is on (x-headgate-revision, or an entry in baggage) and reads the same mark on our call to quotes.
# A visitor on the new web is so answered by the new quotes. Drop these and visitors change sides in mid-request.
PASSED_ON = ("x-headgate-revision", "x-request-id", "traceparent", "baggage")

# Less than the 5 s after which uvicorn closes an idle connection, so that we seldom write into one that is closing.
IDLE_SECONDS = 4


class QuotesUnavailable(Exception):
    """quotes cannot be reached or took too long."""


class QuotesFailed(Exception):
    """quotes answered with something we cannot show."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes


class QuotesClient:
    def __init__(self, url: str, timeout_seconds: float, connections: int) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._connections = connections

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=IDLE_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        return await self._request("POST", "/quotes", body, headers)

    async def read_back(self, id: str, headers: Mapping[str, str]) -> Reply:
        return await self._request("GET", f"/quotes/{id}", None, headers)

    async def _request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        sent = {"content-type": "application/json"}
        sent.update((name, headers[name]) for name in PASSED_ON if name in headers)
        try:
            try:
                return await self._once(method, path, body, sent)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                # An instance that stops closes its idle connections, perhaps as we write to one. Nothing was answered,
                # and asking for a quote twice harms nobody: once more, on another connection.
                return await self._once(method, path, body, sent)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise QuotesUnavailable(type(error).__name__) from error

    async def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        async with self._session.request(method, self._url + path, data=body, headers=headers) as response:
            return Reply(response.status, await response.read())
