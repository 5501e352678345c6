"""Checks of a release in one environment: each attempt, what it printed, and what was kept of it."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from headgate.engine import check_views
from headgate.engine.check_output import check_file, check_output
from headgate.engine.refusals import Unknown
from headgate.web.asked import Asked, ThisApplication, ThisWheel
from headgate.web.live import streamed

View = dict[str, Any]
routes = APIRouter(prefix="/api/applications/{application}/environments/{environment}/checks", tags=["checks"])


@routes.get("")
async def checks(
    application: ThisApplication,
    wheel: ThisWheel,
    environment: str,
    release: Annotated[str | None, Query(max_length=200)] = None,
) -> View:
    """Every attempt, oldest first. `release`: by itself what is in flight, else what is stable, else what waits."""
    state = wheel.state
    there = [state.rollout.revision if state.rollout else None, state.stable]
    there += [state.waiting.revision if state.waiting else None]
    revision = next(filter(None, there), None)
    if release is not None:
        found = application.release(release)
    elif revision is not None:
        found = application.release(revision.release)
    else:
        raise Unknown(f"nothing was released to {environment} yet; `headgate deploy {environment}` asks for a release")
    text = check_views.line(state.checks.get(found.id, ()))
    shown = {"environment": environment, "release": found.id, "label": found.label, "text": text}
    return {**shown, "checks": check_views.results(state, found.id)}


@routes.get("/{job}/log", response_class=StreamingResponse)
async def log(server: Asked, application: ThisApplication, environment: str, job: str) -> StreamingResponse:
    """What it printed, as text, secrets masked."""
    return await streamed(check_output(application, environment, job), server.closing)


@routes.get("/{job}/file", response_class=StreamingResponse)
async def file(
    application: ThisApplication, environment: str, job: str, name: Annotated[str, Query(max_length=1000)]
) -> StreamingResponse:
    """One of its artifacts, as it was left: nothing that a browser would run."""
    parts = check_file(application, environment, job, name)
    first = await anext(parts, b"")  # a refusal is still an error of its own
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(_whole(first, parts), media_type="application/octet-stream", headers=headers)


async def _whole(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in parts:
        yield part
