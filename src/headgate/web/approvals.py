"""Approvals: what would happen, and what people say of it."""

from typing import Any

from fastapi import APIRouter

from headgate.engine import approving, reviewing
from headgate.web import bodies
from headgate.web.asked import Asked, ThisApplication, ThisWheel
from headgate.web.environments import done, name_of

View = dict[str, Any]
routes = APIRouter(prefix="/api/applications/{application}/environments/{environment}", tags=["approvals"])


@routes.get("/review")
async def review(server: Asked, application: ThisApplication, environment: str) -> View:
    """Exactly what would happen if the release that waits were let in; `set` is the digest that an approval is for."""
    return await reviewing.review(application, environment, server.engine.clock.now())


@routes.post("/approve")
async def approve(server: Asked, application: ThisApplication, wheel: ThisWheel, body: bodies.Approve) -> View:
    version = wheel.state.version
    if body.withdraw:
        await approving.withdraw(server.engine, application.name, name_of(wheel), body.by, body.why)
    else:
        await approving.approve(server.engine, application.name, name_of(wheel), body.by, body.why, body.set)
    return done(wheel, version)


@routes.post("/reject")
async def reject(server: Asked, application: ThisApplication, wheel: ThisWheel, body: bodies.Reject) -> View:
    """What waits is dropped, and does not come again by itself."""
    version, name = wheel.state.version, name_of(wheel)
    label = wheel.state.waiting.revision.label if wheel.state.waiting else ""
    release = await approving.reject(server.engine, application.name, name, body.release, body.by, body.why)
    return {**done(wheel, version), "release": release, "label": label}
