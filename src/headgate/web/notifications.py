"""Who is told of an application, whether they can be told, and a test of that."""

from typing import Any

from fastapi import APIRouter

from headgate.engine import undelivered
from headgate.web import bodies
from headgate.web.asked import Asked, ThisApplication

View = dict[str, Any]
routes = APIRouter(prefix="/api/applications/{application}/notifications", tags=["applications"])


@routes.get("")
async def shown(server: Asked, application: ThisApplication) -> View:
    """Every target, with what it was told last, and since when and why it cannot be told."""
    now = server.engine.clock.now().isoformat()
    return {"application": application.name, "now": now, "targets": server.engine.notifying.views(application.name)}


@routes.get("/pending")
async def pending(server: Asked, application: ThisApplication) -> View:
    """What each target is still to be told, oldest first."""
    targets = await undelivered.pending(server.engine.notifying, application.name)
    return {"application": application.name, "now": server.engine.clock.now().isoformat(), "targets": targets}


@routes.get("/failed")
async def failed(server: Asked, application: ThisApplication) -> View:
    """What each target was not told, and will not be unless it is told again by hand: too late, or refused there."""
    targets = undelivered.failed(server.engine.notifying, application.name)
    return {"application": application.name, "now": server.engine.clock.now().isoformat(), "targets": targets}


@routes.post("/retry")
async def retry(server: Asked, application: ThisApplication, body: bodies.Test) -> View:
    """What failed is told again, to every target or to one; what is pending there is tried at once."""
    targets = await undelivered.retry(server.engine.notifying, application.name, body.target)
    return {"application": application.name, "targets": targets}


@routes.post("/test")
async def test(server: Asked, application: ThisApplication, body: bodies.Test) -> View:
    """A message to every target, or to one: `told`, or `why` not."""
    told = await server.engine.notifying.test(application.name, body.target, body.by)
    return {"application": application.name, "targets": told}
