"""What another CI says, and the tokens it says it with."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from headgate.engine import build_views, views
from headgate.engine.acting import acting
from headgate.engine.line import length
from headgate.engine.releasing import Wanted
from headgate.model.people import PersonalTokenMade, PersonalTokenRevoked
from headgate.model.releases import Release
from headgate.web import bodies
from headgate.web.asked import Asked
from headgate.web.failures import failure
from headgate.web.tokens import Token

View = dict[str, Any]
routes = APIRouter(prefix="/api", tags=["other CI"])


@routes.post("/releases")
async def announce(server: Asked, request: Request, body: bodies.Announce) -> Response:
    """A commit was built and tested elsewhere: a release of it, with the images that were pushed."""
    token: Token | None = request.scope.get("state", {}).get("token")
    if token and token.application not in ("", body.application):
        remedy = f"Use a token for {body.application}: `headgate token create --for releases`."
        return failure(403, f"this token is for {token.application} only", body.application, remedy)
    by = f"token {token.id}" if token and not token.person else body.by
    wanted = Wanted(claimed=body.ref, images=body.images)
    made = await server.engine.release(body.application, body.commit, by, wanted)
    if isinstance(made, Release):
        return JSONResponse(views.released(server.engine.application(body.application), made))
    return JSONResponse(build_views.build(made, server.engine.clock.now()))


@routes.post("/tokens")
async def create(server: Asked, body: bodies.MakeToken) -> View:
    """The only answer that ever has the token's text."""
    if body.application:
        server.engine.application(body.application)
    made, text = server.tokens.create(body.scope, body.application, body.by, server.engine.clock.now().isoformat())
    return {**_shown(made), "token": text}


@routes.post("/tokens/person")
async def personal(server: Asked, body: bodies.MakePersonalToken) -> View:
    """The only answer that ever has the token's text. Recorded before it is good for anything."""
    now, who = server.engine.clock.now(), acting(body.by)
    span = length(body.expires) if body.expires else None
    made, text = server.tokens.personal(body.person, body.by, now, now + span if span else None)
    await server.engine.line.record(PersonalTokenMade(made.id, made.person, made.expires_at, who.by, who.source))
    server.tokens.keep(made)
    return {**_shown(made), "token": text}


@routes.get("/tokens")
async def listed(server: Asked) -> View:
    return {"tokens": [_shown(one) for one in server.tokens.all()]}


@routes.post("/tokens/{name}/revoke")
async def revoke(server: Asked, name: str) -> View:
    """It ends at once; then that is recorded."""
    ended, who = server.tokens.revoke(name), acting()
    if ended.person:
        await server.engine.line.record(PersonalTokenRevoked(ended.id, ended.person, who.by, who.source))
    return _shown(ended)


def _shown(token: Token) -> View:
    names = ("id", "scope", "application", "person", "by", "created_at", "expires_at")
    return {name: getattr(token, name) for name in names}
