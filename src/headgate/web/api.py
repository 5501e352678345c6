"""The HTTP API: one application for the ASGI server, the door in front."""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from headgate import __version__
from headgate.engine.engine import Engine
from headgate.engine.recording import Recording
from headgate.web import (
    announced,
    applications,
    approvals,
    builds,
    checks,
    environments,
    failures,
    hooks,
    infrastructure,
    line,
    notifications,
    pages,
    reviews,
    secrets,
)
from headgate.web.asked import Server
from headgate.web.deliveries import Hooks
from headgate.web.guard import LOOPBACK, Guard
from headgate.web.links import Links
from headgate.web.recorder import Recorder, turned_away
from headgate.web.tokens import Tokens

# Their routes are taken as they are: `include_router` would build each of them anew, for every server and in its first
# request, which waited 0.1 s for it.
ROOMS = (
    applications,
    environments,
    checks,
    approvals,
    reviews,
    pages,
    announced,
    hooks,
    infrastructure,
    builds,
    line,
    notifications,
    secrets,
)


def create(
    engine: Engine,
    token: str,
    present: Mapping[str, Collection[str]],
    hosts: Collection[str] = LOOPBACK,
    folder: Path | None = None,
    public: str = "",
) -> FastAPI:
    """`present` is what specifications may ask for, by kind; `hosts` are the names this server answers to.

    In `folder` lie the tokens that can do one thing, and the secret of webhooks.
    """
    tokens = Tokens(folder)
    api = FastAPI(title="Headgate", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    api.state.server = Server(engine, present, tokens, Hooks(folder), Links(folder), public)
    failures.install(api)
    recording = Recording(engine.log, engine.clock, engine.world.hidden)
    refused = partial(turned_away, recording)
    api.add_middleware(Recorder, recording=recording)
    api.add_middleware(Guard, token=token, hosts=hosts, tokens=tokens, now=engine.clock.now, turned_away=refused)
    for room in ROOMS:
        api.router.routes.extend(room.routes.routes)
    api.get("/api/health", tags=["server"])(health)
    return api


async def health() -> dict[str, str]:
    return {"status": "ok", "version": __version__}
