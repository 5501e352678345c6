"""Whether the secrets that a file asks for can be had from here. No value is in any answer."""

from typing import Any

from fastapi import APIRouter

from headgate.engine import reaching
from headgate.web import bodies
from headgate.web.asked import Asked

routes = APIRouter(prefix="/api/secrets", tags=["applications"])


@routes.post("/check")
async def check(server: Asked, body: bodies.CheckSecrets) -> dict[str, Any]:
    """Each secret with its version, or with what keeps it from being read; `unused` stores were not asked."""
    world, present = server.engine.world, server.present
    return await reaching.check(world, body.text, body.filename, body.source, present, body.environment)
