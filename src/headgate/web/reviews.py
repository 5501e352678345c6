"""Links to review by, and the page behind them. The link is who asks: no token is needed, and none would help."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from headgate.engine import approving, reviewing
from headgate.engine.acting import acting, enter
from headgate.engine.line import length
from headgate.engine.refusals import AdapterError, Rejected, Unknown
from headgate.model.actor import Actor
from headgate.model.approvals import Link, Verb
from headgate.web import bodies, page
from headgate.web.asked import Asked, ThisApplication, form
from headgate.web.links import fresh
from headgate.web.recorder import TOLD, Told

View = dict[str, Any]
routes = APIRouter()


@routes.post("/api/applications/{application}/environments/{environment}/links", tags=["approvals"])
async def make(
    server: Asked, request: Request, application: ThisApplication, environment: str, body: bodies.MakeLink
) -> View:
    """A link by which that person, and nobody else, says yes or no to what waits now. Once."""
    who, now = acting(body.by), server.engine.clock.now()
    if who.proven and who.by != body.person:
        raise Rejected(f"{who.by} can make links for {who.by} alone; who has the server's token makes them for others")
    shown = await reviewing.review(application, environment, now)
    ends = now + length(body.expires)
    verbs: tuple[Verb, ...] = tuple(dict.fromkeys(body.verbs))
    link = Link(fresh(), application.name, environment, shown["release"], shown["set"], body.person, verbs, ends)
    text = server.links.make(link)
    address = f"{server.public or str(request.base_url).rstrip('/')}/review/{text}"
    told = {"id": link.id, "person": link.person, "verbs": link.verbs, "set": link.set}
    return {**told, "link": address, "expires_at": ends.isoformat()}


@routes.get("/review/{text}", include_in_schema=False)
async def show(server: Asked, text: str) -> HTMLResponse:
    try:
        link = server.links.read(text, server.engine.clock.now())
        approving.demand_open(server.engine, link)
        application = server.engine.application(link.application)
        return page.asking(await reviewing.review(application, link.environment, server.engine.clock.now()), link)
    except (Rejected, Unknown) as error:
        return page.told("Nothing can be said here any more", str(error), 410)
    except AdapterError as error:
        return page.told("This cannot be shown now", str(error), 502)


@routes.post("/review/{text}", include_in_schema=False)
async def act(server: Asked, request: Request, text: str) -> Response:
    told = Told("review", "", {})
    setattr(request.state, TOLD, told)
    try:
        link = server.links.read(text, server.engine.clock.now())
    except Rejected as error:
        return page.refused(told, str(error), 410)
    said = await form(request)
    verb, why = said.get("verb", ""), said.get("why", "").strip()[:2000]
    told.target, told.body = f"{link.application}/{link.environment}", {"why": why, "set": link.set}
    address = request.client.host if request.client else "unknown"
    actor = Actor(link.person, "signed-link", f"link {link.id} {address}")
    enter(actor)
    if verb not in link.verbs:
        return page.refused(told, f"this link is good to {' or '.join(link.verbs)}", 422)
    told.verb = verb
    try:
        await approving.by_link(server.engine, link, actor, "approve" if verb == "approve" else "reject", why)
    except (Rejected, Unknown) as error:
        return page.refused(told, str(error), 409)
    except AdapterError as error:
        return page.refused(told, str(error), 502)
    done = "approved" if verb == "approve" else "rejected"
    return page.told(f"You have {done} it", f"{link.release} in {link.application}/{link.environment}", 200)
