"""Who is told of an application, whether they can be told, and a test of that."""

from typing import Any

from fastapi import APIRouter

from headgate.web import bodies
from headgate.web.asked import Asked, ThisApplication

View = dict[str, Any]
routes = APIRouter(prefix="/api/applications/{application}/notifications", tags=["applications"])


@routes.get("")
async def shown(server: Asked, application: ThisApplication) -> View:
    """Every target, with what it was told last, and since when and why it cannot be told."""
    now = server.engine.clock.now().isoformat()
    return {"application": application.name, "now": now, "targets": server.engine.notifying.views(application.name)}


@routes.post("/test")
async def test(server: Asked, application: ThisApplication, body: bodies.Test) -> View:
    """A message to every target, or to one: `told`, or `why` not."""
    told = await server.engine.notifying.test(application.name, body.target, body.by)
    return {"application": application.name, "targets": told}
