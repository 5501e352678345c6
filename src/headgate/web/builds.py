"""Builds: how each stands, what its steps print, and that it is no longer wanted."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from headgate.engine import build_views
from headgate.engine.output import build_output
from headgate.model.ids import build_stream
from headgate.web import bodies
from headgate.web.asked import Asked, ThisApplication, ThisBuild
from headgate.web.live import LONGEST_WAIT, news, streamed, told

View = dict[str, Any]
routes = APIRouter(prefix="/api/applications/{application}/builds", tags=["builds"])


@routes.get("")
async def builds(
    server: Asked, application: ThisApplication, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> View:
    """The latest, newest first."""
    found = server.engine.builds.of(application.name)[-limit:]
    now = server.engine.clock.now()
    return {"now": now.isoformat(), "builds": [build_views.summary(one, now) for one in reversed(found)]}


@routes.get("/{build}")
async def shown(server: Asked, build: ThisBuild) -> View:
    """With its steps, their tests and findings, and what it waits for."""
    return build_views.build(build, server.engine.clock.now())


@routes.post("/{build}/cancel")
async def cancel(server: Asked, application: ThisApplication, build: ThisBuild, body: bodies.Action) -> View:
    await server.engine.builds.cancel(application.name, build.id, body.by, body.why)
    return build_views.build(build, server.engine.clock.now())


@routes.get("/{build}/events")
async def events(
    server: Asked,
    build: ThisBuild,
    after: Annotated[int, Query(ge=0, le=1 << 53)] = 0,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT)] = 0.0,
) -> View:
    """Events behind a version, at once or as soon as there are some within `wait` seconds."""
    await news(lambda: build.state.version, after, wait, server.closing)
    recorded = await build.log.read(build_stream(build.id), after)
    return told(recorded, build.state.version)


@routes.get("/{build}/logs", response_class=StreamingResponse)
async def logs(
    server: Asked,
    build: ThisBuild,
    step: Annotated[str | None, Query(max_length=100)] = None,
    follow: bool = False,
) -> StreamingResponse:
    """What the steps printed, as text, secrets masked."""
    return await streamed(build_output(build, step, follow), server.closing)
