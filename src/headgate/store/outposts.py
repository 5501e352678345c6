"""Anchors outside of the database: where its head is written, so that cutting its end shows, whoever did it.

A line of JSON for each while the log grows: appended to a file on another disk, or posted to an address.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from headgate.ports import LogDamaged, LogUnavailable
from headgate.store.chain import Link

INTERVAL = 300.0  # seconds between anchors while the log grows
PATIENCE = 10.0  # seconds for a post
LARGEST = 64 << 20  # bytes of a file of anchors; 500,000 lines, five years
logger = logging.getLogger(__name__)


def is_address(target: str) -> bool:
    return urlsplit(target).scheme in ("http", "https")


def read(path: Path) -> list[Link]:
    """Every anchor of a file, in its order. Raises LogDamaged, LogUnavailable."""
    try:
        content = path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError as error:
        raise LogUnavailable(f"The anchors {path} cannot be read: {error.strerror}. Name their file.") from error
    if content is None:
        raise LogUnavailable(f"The anchors {path} are over {LARGEST >> 20} MiB: name a file with the later ones.")
    links = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            value = json.loads(line) if line.strip() else None
            links += [Link(int(value["position"]), str(value["hash"]))] if value is not None else []
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise LogDamaged(f"line {number} of the anchors {path} cannot be understood ({error})") from error
    return links


def read_all(paths: Iterable[Path]) -> list[Link]:
    return [link for path in paths for link in read(path)]


@asynccontextmanager
async def kept(targets: Sequence[str], head: Callable[[], Link]) -> AsyncIterator[None]:
    """Written while the block runs, and once more when it ends."""
    outposts = Outposts(targets, head)
    work = asyncio.create_task(outposts.run()) if targets else None
    try:
        yield
    finally:
        if work is not None:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            await outposts.tell()


class Outposts:
    """`head` is asked for the end of the log."""

    def __init__(self, targets: Sequence[str], head: Callable[[], Link]) -> None:
        self._targets = targets
        self._head = head
        self._told: dict[str, Link] = {}

    async def run(self) -> None:
        """Until it is cancelled. A target that is away is told of, and written to with the next one."""
        while True:
            await self.tell()
            await asyncio.sleep(INTERVAL)

    async def tell(self) -> None:
        head = self._head()
        line = json.dumps({"at": datetime.now(UTC).isoformat(), "position": head.position, "hash": head.hash})
        behind = [target for target in self._targets if self._told.get(target) != head]
        for target in behind:
            problem = await asyncio.to_thread(_told, target, line)
            if problem:
                logger.error("The head of the event log could not be written to %s: %s", _shown(target), problem)
            else:
                self._told[target] = head


def _shown(target: str) -> str:
    """An address may hold a password, or be a secret itself."""
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.hostname}" if is_address(target) else target


def _told(target: str, line: str) -> str:
    """What went wrong. Never the address."""
    try:
        _post(target, line) if is_address(target) else _append(Path(target), line)
    except HTTPError as error:
        return f"HTTP status {error.code}"
    except URLError as error:
        return str(error.reason)
    except OSError as error:
        return error.strerror or type(error).__name__
    except (ValueError, HTTPException) as error:
        return type(error).__name__
    return ""


def _append(path: Path, line: str) -> None:
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        os.write(number, f"{line}\n".encode())
        os.fsync(number)
    finally:
        os.close(number)


def _post(address: str, line: str) -> None:
    asked = Request(address, line.encode(), {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - http(s)
    with build_opener(_NoRedirect).open(asked, timeout=PATIENCE):
        return


class _NoRedirect(HTTPRedirectHandler):
    """A 302 that is followed is a GET that writes nothing, and would count as written."""

    def redirect_request(self, *_: object) -> None:
        return None
