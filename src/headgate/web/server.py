"""Serving: a socket, the file that tells the command line where it is, and an orderly end."""

import asyncio
import errno
import json
import os
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from headgate.engine.engine import Engine
from headgate.engine.refusals import AdapterError
from headgate.web.api import create
from headgate.web.ending import Uvicorn, on_signals
from headgate.web.guard import LOOPBACK
from headgate.web.token import token

PORT = 7411  # where a server is by itself; another one is taken where it is not free
WHEREABOUTS = "server.json"
FAREWELL = 1  # seconds that open requests have at the end


async def serve(
    engine: Engine,
    present: Mapping[str, Collection[str]],
    folder: Path,
    listening: socket.socket,
    started: Callable[[str], None],
    public: str = "",
    over: Awaitable[object] | None = None,
) -> None:
    """Answers until SIGINT or SIGTERM, or until `over`. `started` is called with the address once it answers.

    `public` is where people reach the server through a proxy: links begin so, and its name is answered to.
    """
    host, port = listening.getsockname()[:2]
    names = set() if ip_address(host).is_loopback else {host, socket.gethostname().lower()}
    names |= {name} if (name := urlsplit(public).hostname) else set()
    api = create(engine, token(folder), present, LOOPBACK | names, folder, public)
    config = uvicorn.Config(
        api,
        http="h11",  # the same everywhere, whatever else is installed
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FAREWELL,
        limit_concurrency=500,
    )
    server = Uvicorn(config)

    def end() -> None:
        server.end()
        api.state.server.closing.set()

    address = _address(host, port)
    with on_signals(end), _whereabouts(folder, address):
        if over is not None:
            asyncio.ensure_future(over).add_done_callback(lambda _: end())
        started(address)
        await server.serve([listening])


def _address(host: str, port: int) -> str:
    """Where to reach it from here; all addresses at once is not one to connect to."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _whereabouts(folder: Path, address: str) -> Iterator[None]:
    path = folder / WHEREABOUTS
    here = {"address": address, "pid": os.getpid(), "started": datetime.now(UTC).isoformat(timespec="seconds")}
    beside = path.with_name(f"{WHEREABOUTS}.{os.getpid()}")
    beside.write_text(json.dumps(here) + "\n")
    beside.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def listen(host: str, port: int | None) -> socket.socket:
    """Bound and listening, so that a taken port is known before anything starts. Raises AdapterError."""
    try:
        return _bound(host, PORT if port is None else port)
    except OSError as error:
        if port is None and error.errno == errno.EADDRINUSE:
            return _bound(host, 0)
        which = f"{host}:{PORT if port is None else port}"
        raise AdapterError(
            f"{which} cannot be listened on: {error.strerror or error}. "
            "Name another with --port, or end the program that has it."
        ) from error


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound
