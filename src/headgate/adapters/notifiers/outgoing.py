"""Asking somebody else's HTTP API: bounded in time and size, no redirections, and no address in any sentence."""

import errno
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv6Address, ip_address
from typing import Any

import aiohttp

from headgate.adapters.quoted import short
from headgate.ports import AdapterError, Gone, TryLater, Unusable

TIMEOUT = timedelta(seconds=15)
LARGEST = 1024 * 1024  # bytes of an answer
AGENT = "headgate"
NEVER = (400, 413, 415, 422)  # what is asked is wrong itself
# headgate: allow ip-address: one cloud's metadata address, which is refused
METADATA = ("fd00:ec2::254", "100.100.100.200")  # of clouds, beside those that are link-local


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise AdapterError("its answer is no JSON") from error


class Outgoing:
    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def tell(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POSTs to whom only the status is heard of: what else it answers is not read."""
        return await self.send("POST", url, headers, body, heard=False)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, heard: bool = True
    ) -> Answer:
        """Raises AdapterError where there is no answer; any status is one."""
        limit = aiohttp.ClientTimeout(total=TIMEOUT.total_seconds())
        try:
            async with self._open().request(
                method, url, data=body, headers=headers, allow_redirects=False, timeout=limit
            ) as answer:
                return Answer(answer.status, dict(answer.headers), await _limited(answer) if heard else b"")
        except TimeoutError as error:
            raise AdapterError(f"no answer within {TIMEOUT.total_seconds():g} s") from error
        except aiohttp.ClientResponseError as error:  # whose own text has the address with its query
            raise AdapterError(f"it answered with what is no HTTP ({type(error).__name__})") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise AdapterError(f"it cannot be reached ({short(_plain(error))})") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            usual = {"Accept-Encoding": "identity", "User-Agent": AGENT}
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=_socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers=usual,
            )
        return self._session


def taken(answer: Answer, now: datetime) -> Answer:
    """The answer, if it is a yes. Raises Gone, Unusable, TryLater, AdapterError for all others."""
    status = answer.status
    if 200 <= status < 300:
        return answer
    why = f"it answered HTTP {status}"
    if status == 410:
        raise Gone(f"{why}: it is there no more")
    if status in NEVER:
        raise Unusable(why)
    after = asked_for(answer.headers, now)
    raise TryLater(why, after) if after is not None else AdapterError(why)


def asked_for(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Retry-After, as seconds or as a date."""
    found = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    if found.isascii() and found.isdigit():
        return timedelta(seconds=min(int(found[:9]), 86400))
    try:
        at = parsedate_to_datetime(found)
    except (ValueError, TypeError, IndexError):
        return None
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)) - now, timedelta())


def _socket(found: aiohttp.AddrInfoType) -> socket.socket:
    """Asked of each address that a name stands for. Where clouds keep a machine's credentials, nobody is told."""
    family, kind, protocol, _, address = found
    there = ip_address(str(address[0]).partition("%")[0])
    if isinstance(there, IPv6Address) and there.ipv4_mapped:
        there = there.ipv4_mapped
    if there.is_link_local or str(there) in METADATA:
        raise PermissionError(errno.EACCES, f"{there} is an address of a cloud's metadata, or link-local: refused")
    return socket.socket(family, kind, protocol)


async def _limited(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in answer.content.iter_chunked(1 << 14):
        body += part
        if len(body) > LARGEST:
            raise AdapterError(f"it answers with over {LARGEST >> 20} MiB")
    return bytes(body)


def _plain(error: Exception) -> str:
    """What the system said, without the address, which may be a secret."""
    system = getattr(error, "os_error", error)
    words = system.strerror if isinstance(system, OSError) else ""
    return words or type(error).__name__
