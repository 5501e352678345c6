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

from headgate.adapters.limited import Plainly, in_words, limited
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
        self._plainly = Plainly({"User-Agent": AGENT}, lambda: aiohttp.TCPConnector(socket_factory=_socket))

    async def tell(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POSTs to whom only the status is heard of: what else it answers is not read."""
        return await self.send("POST", url, headers, body, heard=False)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, heard: bool = True
    ) -> Answer:
        """Raises AdapterError where there is no answer; any status is one."""
        limit = aiohttp.ClientTimeout(total=TIMEOUT.total_seconds())
        with in_words("it", TIMEOUT):
            async with self._plainly.session().request(
                method, url, data=body, headers=headers, allow_redirects=False, timeout=limit
            ) as answer:
                told = await limited(answer, LARGEST, f"it answers with over {LARGEST >> 20} MiB") if heard else b""
                return Answer(answer.status, dict(answer.headers), told)

    async def close(self) -> None:
        await self._plainly.close()


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
