"""Pages for who signs in with a personal token: how things stand, what waits, and yes or no to it.

Who it is, is known at the door, which also refuses the forms of other sites.
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from headgate.engine import approving, reviewing, story, views
from headgate.engine.acting import acting
from headgate.engine.refusals import AdapterError, Rejected, Unknown
from headgate.model.ids import environment_stream
from headgate.web import page, sheets
from headgate.web.asked import Asked, Server, form
from headgate.web.recorder import PAGES, TOLD, Told

LATEST = 20  # decisions that are shown
LOOKED_AT = 2000  # events that they are looked for among: the page is asked for again every few seconds
ACTIONS = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn your approval of"}

routes = APIRouter(include_in_schema=False)


@routes.get("/")
async def overview(server: Asked) -> Response:
    now, known = server.engine.clock.now(), server.engine.applications
    return sheets.overview(
        acting().by, {name: [views.summary(one, place, now) for place in one.wheels] for name, one in known.items()}
    )


@routes.get(PAGES + "{application}/{environment}")
async def environment(server: Asked, application: str, environment: str) -> Response:
    try:
        return await _standing(server, acting().by, application, environment)
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
