"""Whether the server lives, and whether it leads: for who looks after its process. Says nothing that is secret."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from headgate.web.asked import Asked

ALIVE, READY = "/healthz", "/readyz"

routes = APIRouter(include_in_schema=False)


@routes.get(ALIVE)
async def alive() -> PlainTextResponse:
    """Answered by the loop that turns the wheels: where it hangs, nothing comes."""
    return PlainTextResponse("ok\n")


@routes.get(READY)
async def ready(server: Asked) -> PlainTextResponse:
    if server.engine.world.leads():
        return PlainTextResponse("leads\n")
    return PlainTextResponse("waits: its lease is not renewed, and nothing is done until it is\n", 503)
