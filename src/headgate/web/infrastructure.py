"""The infrastructure of one environment: what would be done to it, what it gives, what others did to it."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from headgate.engine import provisioned_views
from headgate.engine.acting import acting
from headgate.web import bodies
from headgate.web.asked import Asked, ThisApplication, ThisWheel
from headgate.web.environments import done

View = dict[str, Any]
routes = APIRouter(
    prefix="/api/applications/{application}/environments/{environment}/infrastructure", tags=["infrastructure"]
)


class ApplyPlan(bodies.Action):
    plan: Annotated[str, Field(max_length=100, description="digest of the plan that was shown")]


@routes.get("")
async def latest(wheel: ThisWheel) -> View:
    """The apply that is under way, or was last."""
    return {"latest": provisioned_views.latest(wheel.state)}


@routes.get("/plan")
async def plan(application: ThisApplication, environment: str) -> View:
    """What an apply would do now. Nothing is done, and no value of a resource is told."""
    return await provisioned_views.planned(application, environment)


@routes.get("/outputs")
async def outputs(application: ThisApplication, environment: str) -> View:
    return await provisioned_views.outputs(application, environment)


@routes.get("/drift")
async def drift(application: ThisApplication, environment: str) -> View:
    """What was changed by others since the last apply. It is told, and never healed unasked."""
    return await provisioned_views.drift(application, environment)


@routes.post("/apply")
async def apply(
    server: Asked, application: ThisApplication, wheel: ThisWheel, environment: str, body: ApplyPlan
) -> View:
    """Begin to apply exactly the plan that was shown; `latest` says how it ends.

    Where gates hold it is asked of them, as a rollout of what is stable; `asked` is its id.
    """
    version = wheel.state.version
    by = acting(body.by).by
    command = await provisioned_views.ordered(application, environment, body.plan, by, body.why)
    await server.engine.command(application.name, environment, command)
    of = (wheel.state.waiting and wheel.state.waiting.rollout, wheel.state.rollout and wheel.state.rollout.id)
    asked = command.rollout if command.rollout in of else None
    return {**done(wheel, version), "latest": provisioned_views.latest(wheel.state), "asked": asked}
