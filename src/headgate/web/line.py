"""Stop-the-line: every environment of every application at once."""

from typing import Any

from fastapi import APIRouter

from headgate.engine import views
from headgate.engine.line import until
from headgate.model import commands as c
from headgate.web import bodies
from headgate.web.asked import Asked

View = dict[str, Any]
routes = APIRouter(prefix="/api", tags=["server"])


@routes.get("/freeze")
async def shown(server: Asked) -> View:
    """Whether every environment is stopped, by whom, why and until when; and what is in flight or stopped by itself."""
    return views.line(server.engine.line, server.engine.applications.values(), server.engine.clock.now())


@routes.post("/freeze")
async def freeze(server: Asked, body: bodies.Freeze) -> View:
    """No rollout starts anywhere, nor in what is applied later. What is in flight goes on, and is told."""
    now = server.engine.clock.now()
    await server.engine.stop_the_line(c.Freeze(body.by, body.why, until(body.until, now)))
    return views.line(server.engine.line, server.engine.applications.values(), now)


@routes.post("/unfreeze")
async def unfreeze(server: Asked, body: bodies.Action) -> View:
    """Environments that were frozen by themselves stay so; they are told."""
    await server.engine.stop_the_line(c.Unfreeze(body.by, body.why))
    return views.line(server.engine.line, server.engine.applications.values(), server.engine.clock.now())
