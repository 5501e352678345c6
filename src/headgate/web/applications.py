"""Applications and their releases."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from headgate.engine import applying, build_views, comparing, retaining, sightings, snapshots, standing, views
from headgate.model.releases import Release
from headgate.web import bodies
from headgate.web.asked import Asked, ThisApplication

View = dict[str, Any]
routes = APIRouter(prefix="/api/applications", tags=["applications"])


@routes.post("")
async def apply(server: Asked, body: bodies.Apply) -> View:
    """Read a file, refuse it with every problem, or make its rules the ones that count."""
    understood = applying.understand(
        body.text, body.filename, body.source, server.present, (body.calendars, server.engine.clock.now())
    )
    return await applying.apply(server.engine, understood, body.by)


@routes.get("")
async def names(server: Asked) -> View:
    return {"applications": list(server.engine.applications)}


@routes.get("/{application}")
async def summary(server: Asked, application: ThisApplication) -> View:
    follower = server.engine.followers.get(application.name)
    followed = sightings.source(application, follower, server.engine.builds.states(application.name))
    targets = server.engine.notifying.views(application.name)
    failing = [one for one in targets if one["failing"]]
    return {**views.applied(application, server.engine.clock.now()), "followed": followed, "not_told": failing}


@routes.get("/{application}/pipeline")
async def pipeline(
    server: Asked, application: ThisApplication, limit: Annotated[int, Query(ge=0, le=1000)] = 20
) -> View:
    """Where every release is, newest first: the latest `limit`, and those that are somewhere now."""
    return standing.pipeline(application, server.engine.clock.now(), limit)


@routes.get("/{application}/releases")
async def releases(application: ThisApplication) -> View:
    """Newest first."""
    return {"releases": [views.released(application, one) for one in reversed(application.releases.values())]}


@routes.post("/{application}/releases")
async def release(server: Asked, application: ThisApplication, body: bodies.Make) -> View:
    """Make a release from a commit, once; it goes on to where the rules take it by themselves.

    Where the rules have CI steps, and the commit is no release yet, the answer is its build (`build`, no `release`).
    """
    made = await server.engine.release(application.name, body.reference, body.by)
    if isinstance(made, Release):
        return views.released(application, made)
    return build_views.build(made, server.engine.clock.now())


@routes.get("/{application}/provenance")
async def provenance(server: Asked, application: ThisApplication, release: bodies.Named) -> View:
    """How a release's images were made, and whether that verifies now; `problem` says why not."""
    return await server.engine.provenance(application.name, release)


@routes.get("/{application}/config")
async def config(application: ThisApplication, of: bodies.Where, service: bodies.SomeService = None) -> View:
    """Every variable of what is stable in an environment, or of ENV@RELEASE: its value, and where it comes from."""
    return await snapshots.snapshot(application, of, service)


@routes.get("/{application}/config/diff")
async def config_diff(
    application: ThisApplication, left: bodies.Where, right: bodies.Where, service: bodies.SomeService = None
) -> View:
    """The variables that are not the same in two environments, or revisions (ENV@REVISION)."""
    return await snapshots.difference(application, left, right, service)


@routes.get("/{application}/parity")
async def parity(application: ThisApplication, left: bodies.Where, right: bodies.Where) -> View:
    """How far one environment, or revision, is a replica of another: every difference, and why it is accepted."""
    return await comparing.parity(application, left, right)


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
