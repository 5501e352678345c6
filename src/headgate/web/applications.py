"""Applications and their releases."""

from typing import Any

from fastapi import APIRouter

from headgate.engine import applying, retaining, views
from headgate.web import bodies
from headgate.web.asked import Asked, ThisApplication

View = dict[str, Any]
routes = APIRouter(prefix="/api/applications", tags=["applications"])


@routes.post("")
async def apply(server: Asked, body: bodies.Apply) -> View:
    """Read a file, refuse it with every problem, or make its rules the ones that count."""
    understood = applying.understand(body.text, body.filename, body.source, server.present)
    return await applying.apply(server.engine, understood, body.by)


@routes.get("")
async def names(server: Asked) -> View:
    return {"applications": list(server.engine.applications)}


@routes.get("/{application}")
async def summary(server: Asked, application: ThisApplication) -> View:
    return views.applied(application, server.engine.clock.now())


@routes.get("/{application}/releases")
async def releases(application: ThisApplication) -> View:
    """Newest first."""
    return {"releases": [views.released(application, one) for one in reversed(application.releases.values())]}


@routes.post("/{application}/releases")
async def release(server: Asked, application: ThisApplication, body: bodies.Make) -> View:
    """Build a release from a commit, once; it goes on to where the rules take it by themselves."""
    made = await server.engine.release(application.name, body.reference, body.by)
    return views.released(application, made)


@routes.get("/{application}/provenance")
async def provenance(server: Asked, application: ThisApplication, release: bodies.Named) -> View:
    """How a release's images were made, and whether that verifies now; `problem` says why not."""
    return await server.engine.provenance(application.name, release)


@routes.get("/{application}/images")
async def images(application: ThisApplication, keep: bodies.Keep = 10) -> View:
    """Every image in the registry; those of which `needed` is empty are deleted by a prune."""
    return await retaining.images(application, keep)


@routes.post("/{application}/images/prune")
async def prune(application: ThisApplication, body: bodies.Prune) -> View:
    return await retaining.prune(application, body.keep, body.by)


@routes.post("/{application}/lift")
async def lift(server: Asked, application: ThisApplication, body: bodies.Lift) -> View:
    """A quarantined release may be deployed again, for a stated reason."""
    return views.release(await server.engine.lift(application.name, body.release, body.by, body.why))
