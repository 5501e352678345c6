"""Pages for who signs in with a personal token: how things stand, what waits, and yes or no to it.

A session is good for these addresses alone, never for the API; forms of other sites are refused at the door.
"""

import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from headgate.engine import approving, reviewing, story, views
from headgate.engine.acting import acting, enter
from headgate.engine.refusals import AdapterError, Rejected, Unknown
from headgate.model.actor import Actor
from headgate.model.ids import environment_stream
from headgate.web import page, sheets
from headgate.web.asked import Asked, Server, form
from headgate.web.recorder import PAGES, SIGN_IN, SIGN_OUT, TOLD, Told
from headgate.web.sessions import LENGTH

COOKIE = "headgate_session"
OURS = re.compile(rf"/|{PAGES}[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")  # where one may go after signing in
LATEST = 20  # decisions that are shown
LOOKED_AT = 2000  # events that they are looked for among: the page is asked for again every few seconds
ACTIONS = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn your approval of"}

routes = APIRouter(include_in_schema=False)


@routes.get("/")
async def overview(server: Asked, request: Request) -> Response:
    if not (person := _person(server, request)):
        return sheets.signing_in("/")
    now, known = server.engine.clock.now(), server.engine.applications
    return sheets.overview(
        person, {name: [views.summary(one, place, now) for place in one.wheels] for name, one in known.items()}
    )


@routes.post(SIGN_IN)
async def sign_in(server: Asked, request: Request) -> Response:
    said = await form(request)
    told, to = Told("sign-in", "", {}), said.get("to", "")
    setattr(request.state, TOLD, told)
    try:
        text, person = server.sessions.open(said.get("token", "").strip(), server.engine.clock.now())
    except Rejected as error:
        told.answer = str(error)
        return sheets.signing_in(to if OURS.fullmatch(to) else "/", str(error))
    enter(Actor(person, "personal-token", _source(request)))
    answer = RedirectResponse(to if OURS.fullmatch(to) else "/", 303)
    answer.set_cookie(
        COOKIE,
        text,
        max_age=int(LENGTH.total_seconds()),
        httponly=True,
        samesite="lax",  # a link in a chat opens the page; what acts is a form, and the door looks where it is from
        secure=server.public.startswith("https:") or request.url.scheme == "https",
    )
    return answer


@routes.post(SIGN_OUT)
async def sign_out(server: Asked, request: Request) -> Response:
    setattr(request.state, TOLD, Told("sign-out", "", {}))
    _person(server, request)
    server.sessions.close(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE)
    return answer


@routes.get(PAGES + "{application}/{environment}")
async def environment(server: Asked, request: Request, application: str, environment: str) -> Response:
    if not (person := _person(server, request)):
        return sheets.signing_in(request.url.path)
    try:
        return await _standing(server, person, application, environment)
    except (Rejected, Unknown) as error:
        return page.told("This is not there", str(error), 404)
    except AdapterError as error:
        return page.told("This cannot be shown now", str(error), 502)


@routes.post(PAGES + "{application}/{environment}")
async def act(server: Asked, request: Request, application: str, environment: str) -> Response:
    said, where = await form(request), f"{application}/{environment}"
    verb, why = said.get("verb", ""), said.get("why", "").strip()[:2000]
    told = Told(verb if verb in ACTIONS else "review", where, {"why": why, "set": said.get("set", "")[:100]})
    setattr(request.state, TOLD, told)
    if not _person(server, request):
        told.answer = "not signed in"
        return sheets.signing_in(request.url.path, "You are not signed in any more: nothing was done")
    try:
        await _act(server, (application, environment), verb, why, said)
    except (Rejected, Unknown) as error:
        return page.refused(told, str(error), 409)
    except AdapterError as error:
        return page.refused(told, str(error), 502)
    return page.told(f"You have {ACTIONS[verb]} it", where, 200, back=request.url.path)


async def _act(server: Server, where: tuple[str, str], verb: str, why: str, said: dict[str, str]) -> None:
    """For what was shown: an approval is of its set, a rejection of its release."""
    who = acting().by
    if not said.get("set") or not said.get("release"):
        raise Rejected("the form does not say what it was shown for; open the page again")
    if verb == "approve":
        await approving.approve(server.engine, *where, who, why, said["set"])
    elif verb == "reject":
        await approving.reject(server.engine, *where, said["release"], who, why)
    elif verb == "withdraw":
        await approving.withdraw(server.engine, *where, who, why)
    else:
        raise Rejected(f"there is {', '.join(ACTIONS)}, and not {verb[:100]!r}")


async def _standing(server: Server, person: str, name: str, environment: str) -> Response:
    application, now = server.engine.application(name), server.engine.clock.now()
    wheel = application.wheel(environment)
    summary = views.summary(application, environment, now)
    after = max(wheel.state.version - LOOKED_AT, 0)
    told = story.decisions(await wheel.log.read(environment_stream(wheel.environment), after))[-LATEST:]
    shown: dict[str, Any] | None = None
    if wheel.state.waiting is not None:
        shown = await reviewing.review(application, environment, now)
    return sheets.environment(person, name, summary, shown, [*reversed(told)])


def _person(server: Server, request: Request) -> str:
    """Who signed in, and acts from here on; empty: nobody."""
    token = server.sessions.whose(request.cookies.get(COOKIE, ""), server.engine.clock.now())
    if token is None:
        return ""
    enter(Actor(token.person, "personal-token", _source(request)))
    return token.person


def _source(request: Request) -> str:
    return f"ui {request.client.host if request.client else 'unknown'}"
