"""What every route is given: the engine, and the application and environment that the path names.

All are `async`: FastAPI calls others in threads, beside the loop that changes the engine.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request

from headgate.engine.application import Application
from headgate.engine.ci import BuildWheel
from headgate.engine.engine import Engine
from headgate.engine.wheel import Wheel
from headgate.web.deliveries import Hooks
from headgate.web.links import Links
from headgate.web.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Server:
    engine: Engine
    present: Mapping[str, Collection[str]]  # what specifications may ask for
    tokens: Tokens = field(default_factory=lambda: Tokens(None))
    hooks: Hooks = field(default_factory=lambda: Hooks(None))
    links: Links = field(default_factory=lambda: Links(None))
    public: str = ""  # where people reach the server, for links that are sent to them; empty: as they ask
    closing: asyncio.Event = field(default_factory=asyncio.Event)  # set: whoever waits answers now


async def _server(request: Request) -> Server:
    server: Server = request.app.state.server
    return server


Asked = Annotated[Server, Depends(_server)]


async def _application(server: Asked, application: str) -> Application:
    return server.engine.application(application)


ThisApplication = Annotated[Application, Depends(_application)]


async def _wheel(application: ThisApplication, environment: str) -> Wheel:
    return application.wheel(environment)


ThisWheel = Annotated[Wheel, Depends(_wheel)]


async def _build(server: Asked, application: str, build: str) -> BuildWheel:
    server.engine.application(application)
    return server.engine.builds.wheel(application, build)


ThisBuild = Annotated[BuildWheel, Depends(_build)]


async def form(request: Request) -> dict[str, str]:
    """What a page's form says, the first of each field. Too many, or no form at all: nothing."""
    try:
        found = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}
