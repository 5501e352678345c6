"""A thin client of the Docker Engine's HTTP API over a Unix domain socket. Knows addresses and errors, no nouns."""

import asyncio
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp

from headgate.ports import Access, AdapterError, Away

DEFAULT_HOST = "unix:///var/run/docker.sock"
NEWEST = (1, 47)  # of the API, that this client was written for; older engines are spoken to in their own version
PATIENCE = 60.0  # seconds, for one answer: making a container waits for a busy disk
CONNECT = 5.0  # seconds
FAR = 8.0  # seconds, for the first answer of another machine: a login comes before it
AT_ONCE = 4  # requests to another machine; sshd allows ten sessions in one login
CHUNK = 64 * 1024  # bytes


class EngineUnreachable(Away):
    """Nothing answers on the socket."""


class EngineRefused(AdapterError):
    """The engine answered, and said no."""

    def __init__(self, asked: str, said: str, status: int) -> None:
        super().__init__(f"Docker refused {asked}: {said}")
        self.said = said
        self.status = status  # of HTTP: 404 it is not there, 409 it is so already or in use


def socket_path(host: str | None = None) -> Path:
    """Of `host`, else DOCKER_HOST, else Docker's own default."""
    named = host or os.environ.get("DOCKER_HOST") or DEFAULT_HOST
    parts = urlsplit(named)
    if parts.scheme != "unix" or not parts.path:
        raise AdapterError(
            f"Docker: {named!r} cannot be used: only the engine of this machine can, as unix:///PATH/docker.sock. "
            "Unset DOCKER_HOST, or point it to a socket. Other hosts are named in the file, as "
            "`platform: {docker: {hosts: [...]}}`"
        )
    return Path(parts.netloc + parts.path)


class Way(Protocol):
    """To the engine of another machine."""

    async def path(self) -> Path:
        """On this machine; it leads there."""
        ...

    async def trouble(self) -> str:
        """A sentence for a person: why there is no way, and what to do."""
        ...

    async def close(self) -> None: ...


class DockerEngine:
    def __init__(self, host: str | None = None, way: Way | None = None) -> None:
        """`host` is a URL as in DOCKER_HOST, which is read at the first call where neither is given."""
        self._host, self._way = host, way
        self._session: aiohttp.ClientSession | None = None
        self._version = ""  # of the API; asked for once
        # A connection to another machine is a process here and one there: few, used again and again.
        self._turns = asyncio.Semaphore(AT_ONCE) if way else None

    async def json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        accept: tuple[int, ...] = (),
    ) -> Any:
        """The answer, None where it is empty. A status below 400, or one of `accept`, is no refusal."""
        content = None if body is None else json.dumps(body).encode()
        async with self.open(method, path, query, content, accept=accept) as answer:
            text = await answer.text()
        return json.loads(text) if text.strip() else None

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (),
        endless: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer itself, for what is no JSON. `endless`: it may go on for ever, only its beginning is awaited."""
        total = None if endless else PATIENCE
        limit = aiohttp.ClientTimeout(total=total, connect=CONNECT)
        given = {"Content-Type": "application/json", **(headers or {})}
        turn = nullcontext() if endless or self._turns is None else self._turns
        try:
            async with turn:
                url = f"http://docker/v{await self._api()}{path}"
                session = await self._opened()
                async with session.request(
                    method, url, params=query, data=content, headers=given, timeout=limit
                ) as answer:
                    if answer.status >= 400 and answer.status not in accept:
                        raise EngineRefused(f"{method} {path}", await _message(answer), answer.status)
                    yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise await self._unreachable(error) from error

    async def _api(self) -> str:
        if not self._version:
            session, limit = await self._opened(), FAR if self._way else CONNECT
            async with session.get("http://docker/version", timeout=aiohttp.ClientTimeout(limit)) as answer:
                said = await answer.json()
            try:
                theirs = tuple(int(part) for part in said["ApiVersion"].split("."))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                path = "the other side" if self._way else socket_path(self._host)
                raise EngineUnreachable(f"What answers on {path} is no Docker Engine: look at DOCKER_HOST") from error
            self._version = ".".join(str(part) for part in min(theirs, NEWEST))
        return self._version

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            path = await self._way.path() if self._way else socket_path(self._host)
            connector = aiohttp.UnixConnector(path=str(path), limit=0)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session

    async def _unreachable(self, error: Exception) -> EngineUnreachable:
        self._version = ""  # another one may answer next
        if self._way is not None:
            return EngineUnreachable(await self._way.trouble())
        path = socket_path(self._host)
        reason = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else str(error)
        why = reason or type(error).__name__
        remedy = "Start it (systemctl start docker), or point DOCKER_HOST to its socket"
        if isinstance(error, PermissionError) or "Permission denied" in why:
            remedy = "Add this user to the group docker: whoever may open this socket is root on this machine"
        return EngineUnreachable(f"The Docker Engine does not answer on {path} ({why}). {remedy}")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._way is not None:
            await self._way.close()


async def lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Of any length: aiohttp's own have a limit, and an event carries all labels of its container."""
    rest = b""
    async for chunk in answer.content.iter_chunked(CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
    if rest.strip():
        yield rest


async def messages(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """What the engine tells while it works, one JSON object on each line. An error is the last one."""
    async for line in lines(answer):
        message = json.loads(line)
        if isinstance(message, dict):
            yield message


def error_in(message: Mapping[str, Any]) -> str:
    detail = message.get("errorDetail")
    inner = detail.get("message") if isinstance(detail, dict) else None
    return str(inner or message.get("error") or "").strip()


def login(access: Access) -> str:
    """Sent for every push: without any, older engines refuse the request."""
    known = {"username": access.user, "password": access.password, "serveraddress": access.name.partition("/")[0]}
    return urlsafe_b64encode(json.dumps(known if access.user else {}).encode()).decode()


async def _message(answer: aiohttp.ClientResponse) -> str:
    text = await answer.text(errors="replace")
    try:
        return str(json.loads(text)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return text.strip()[:200] or f"status {answer.status}"
