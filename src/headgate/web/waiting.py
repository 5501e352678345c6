"""A server that waits until it leads: it answers probes, and says to everybody else for whom it waits."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from headgate.engine.leading import Leading
from headgate.web.ending import Uvicorn, on_signals
from headgate.web.failures import failure
from headgate.web.probes import ALIVE, READY

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


async def wait_to_lead(leading: Leading, listening: socket.socket) -> bool:
    """False: a signal came first. The socket stays open: who comes next answers on it."""
    config = uvicorn.Config(
        standby(lambda: leading.why),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=100,
    )
    server = Uvicorn(config)
    with on_signals(server.end):
        winning = asyncio.create_task(leading.win())
        winning.add_done_callback(lambda _: server.end())
        await server.serve([listening.dup()])  # Uvicorn closes what it is given
        if winning.done():
            await winning  # a defect is not taken for a signal
            return True
        winning.cancel()
        with suppress(asyncio.CancelledError):
            await winning
        return False


def standby(why: Callable[[], str]) -> Starlette:
    async def alive(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def unready(request: Request) -> Response:
        return PlainTextResponse(f"waits: {why()}\n", 503)

    async def elsewhere(request: Request) -> Response:
        remedy = "Repeat the command in a moment; a Service leads to the server that answers."
        return failure(503, f"this server waits: {why()}", request.url.path, remedy)

    return Starlette(
        routes=[Route(ALIVE, alive), Route(READY, unready), Route("/{path:path}", elsewhere, methods=METHODS)]
    )
