"""One environment: how it stands, what it is told to do, and what happened there."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from headgate.engine import horizons, sightings, story, views
from headgate.engine.line import until
from headgate.engine.output import output
from headgate.engine.refusals import Rejected
from headgate.engine.wheel import Wheel
from headgate.model import commands as c
from headgate.model.freezes import RolloutsFrozen, RolloutsUnfrozen
from headgate.model.ids import SERVER_STREAM, environment_stream
from headgate.web import bodies
from headgate.web.asked import Asked, Server, ThisApplication, ThisWheel
from headgate.web.live import LONGEST_WAIT, news, streamed, told

View = dict[str, Any]
# With `why`:
SHOWN = ("stable", "pinned", "frozen", "break_glass", "signed_off", "monitoring", "warm", "alarm", "horizon", "checks")
routes = APIRouter(prefix="/api/applications/{application}/environments/{environment}", tags=["environments"])


@routes.get("")
async def shown(server: Asked, application: ThisApplication, environment: str) -> View:
    return await views.environment(application, environment, server.engine.clock.now())


@routes.post("/deploy")
async def deploy(server: Asked, application: ThisApplication, wheel: ThisWheel, body: bodies.Deploy) -> View:
    version, name = wheel.state.version, name_of(wheel)
    hurry = {"hotfix": body.hotfix, "break_glass": body.break_glass}
    release = await server.engine.deploy(application.name, name, body.release, body.by, body.why, **hurry)
    return {**done(wheel, version), "release": release.id, "label": release.label}


@routes.post("/rollback")
async def rollback(server: Asked, application: ThisApplication, wheel: ThisWheel, body: bodies.Rollback) -> View:
    command = c.Rollback(server.engine.rollout_id(), body.by, body.to, body.why)
    done = await _tell(server, wheel, command)
    return {**done, "horizon": horizons.shown(wheel.state, application.quarantined(wheel.environment))}


@routes.post("/pin")
async def pin(server: Asked, wheel: ThisWheel, body: bodies.Action) -> View:
    """Nothing replaces by itself what is wanted here now."""
    return await _tell(server, wheel, c.Pin(body.by, body.why))


@routes.post("/unpin")
async def unpin(server: Asked, wheel: ThisWheel, body: bodies.Action) -> View:
    return await _tell(server, wheel, c.Unpin(body.by, body.why))


@routes.post("/freeze")
async def freeze(server: Asked, wheel: ThisWheel, body: bodies.Freeze) -> View:
    """No rollout starts here, until it ends or someone unfreezes. What is in flight goes on."""
    now = server.engine.clock.now()
    done = await _tell(server, wheel, c.Freeze(body.by, body.why, until(body.until, now)))
    return {**done, "frozen": views.frozen(wheel, now)}


@routes.post("/unfreeze")
async def unfreeze(server: Asked, wheel: ThisWheel, body: bodies.Action) -> View:
    done = await _tell(server, wheel, c.Unfreeze(body.by, body.why))
    return {**done, "frozen": views.frozen(wheel, server.engine.clock.now())}


@routes.post("/sign-off")
async def sign_off(server: Asked, application: ThisApplication, wheel: ThisWheel, body: bodies.SignOff) -> View:
    """A person's verdict on a release that is, or was, stable here."""
    version, name = wheel.state.version, name_of(wheel)
    release = await server.engine.sign_off(application.name, name, body.release, body.by, body.verdict, body.note)
    return {**done(wheel, version), "release": release.id, "label": release.label, "verdict": body.verdict}


@routes.post("/pause")
async def pause(server: Asked, wheel: ThisWheel, body: bodies.Action) -> View:
    return await _tell(server, wheel, c.Pause(body.by, body.why))


@routes.post("/resume")
async def resume(server: Asked, wheel: ThisWheel, body: bodies.Action) -> View:
    return await _tell(server, wheel, c.Resume(body.by, body.why))


@routes.post("/promote")
async def promote(server: Asked, wheel: ThisWheel, body: bodies.Action) -> View:
    return await _tell(server, wheel, c.Promote(body.by, body.why))


@routes.post("/abort")
async def abort(server: Asked, wheel: ThisWheel, body: bodies.Action) -> View:
    return await _tell(server, wheel, c.Abort(body.by, body.why))


@routes.post("/migrate")
async def migrate(server: Asked, wheel: ThisWheel, body: bodies.Migrate) -> View:
    """Run the contract migration that waits here; or say that data were restored."""
    restored = None if body.restored is None else _level(body.restored)
    done = await _tell(server, wheel, c.Migrate(body.by, body.why, restored))
    return {**done, "migrations": horizons.shown(wheel.state, {})["migrations"]}


@routes.get("/history")
async def history(wheel: ThisWheel) -> View:
    """Ended rollouts, newest first."""
    return {"rollouts": views.past(wheel.state)}


@routes.get("/traffic")
async def traffic(wheel: ThisWheel) -> View:
    """Requests, errors and latencies of each service, as rollouts measured them last: what `headgate plan` goes by."""
    return {"services": views.traffic(await wheel.log.read(environment_stream(wheel.environment)))}


@routes.get("/why")
async def why(server: Asked, application: ThisApplication, wheel: ThisWheel) -> View:
    """What was decided since a release was last asked for, and what is waited for now."""
    recorded = await wheel.log.read(environment_stream(wheel.environment))
    now = server.engine.clock.now()
    summary = views.summary(application, name_of(wheel), now)
    evidence = summary["rollout"]["evidence"] if summary["rollout"] else None
    told = {"decisions": story.decisions(recorded), "waits_for": summary["waits_for"], "evidence": evidence}
    found = {name: summary[name] for name in SHOWN}
    builds = server.engine.builds.states(application.name)
    commits = sightings.concerning(application, name_of(wheel), builds)
    return {"now": now.isoformat(), **told, **found, "commits": commits}


@routes.get("/events")
async def events(
    server: Asked,
    wheel: ThisWheel,
    after: Annotated[int, Query(ge=0, le=1 << 53)] = 0,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT)] = 0.0,
) -> View:
    """Events behind a version, at once or as soon as there are some within `wait` seconds."""
    await news(lambda: wheel.state.version, after, wait, server.closing)
    recorded = await wheel.log.read(environment_stream(wheel.environment), after)
    return told(recorded, wheel.state.version)


@routes.get("/freezes")
async def freezes(server: Asked, wheel: ThisWheel) -> View:
    """Every stop of the whole server, since something first happened here: no event of this environment says so."""
    mine = await wheel.log.read(environment_stream(wheel.environment))
    recorded = await server.engine.log.read(SERVER_STREAM) if mine else []
    held = [one for one in recorded if isinstance(one.event, RolloutsFrozen | RolloutsUnfrozen)]
    return {"events": [story.told(one) for one in held if one.at >= mine[0].at]}


@routes.get("/logs", response_class=StreamingResponse)
async def logs(
    server: Asked,
    application: ThisApplication,
    environment: str,
    service: Annotated[str | None, Query(max_length=100)] = None,
    lines: Annotated[int, Query(ge=0, le=10_000)] = 100,
    follow: bool = False,
) -> StreamingResponse:
    """What the instances print, as text. The first line is awaited, so that a refusal is still an error of its own."""
    found = output(application, environment, service, lines, follow)
    return await streamed(found, server.closing)


def _level(text: str) -> tuple[str, int]:
    service, _, level = text.partition("/")
    if not service or not re.fullmatch("[0-9]{1,9}", level):
        raise Rejected(f"{text!r} is no level of a service's data: write SERVICE/LEVEL, such as web/7")
    return service, int(level)


async def _tell(server: Server, wheel: Wheel, command: c.Command) -> View:
    version = wheel.state.version
    application, name = wheel.environment.split("/", 1)
    await server.engine.command(application, name, command)
    return done(wheel, version)


def done(wheel: Wheel, version: int) -> View:
    """Where things stand after a command; `version` is where to listen from for what followed."""
    state = wheel.state
    rollout, waiting = state.rollout, state.waiting
    return {
        "application": wheel.environment.split("/", 1)[0],
        "environment": name_of(wheel),
        "version": version,
        "rollout": rollout.id if rollout else None,
        "candidate": rollout.revision.label if rollout else None,
        "phase": rollout.phase if rollout else None,
        "waiting": waiting.rollout if waiting else None,
        "stable": state.stable.label if state.stable else None,
        "pinned": views.pinned(wheel),
    }


def name_of(wheel: Wheel) -> str:
    return wheel.environment.split("/", 1)[1]
