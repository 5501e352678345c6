"""The HTTP API: one application for the ASGI server, the door in front."""

from collections.abc import Collection, Mapping

from fastapi import FastAPI

from headgate import __version__
from headgate.engine.engine import Engine
from headgate.web import applications, builds, environments, failures
from headgate.web.asked import Server
from headgate.web.guard import LOOPBACK, Guard


def create(
    engine: Engine, token: str, present: Mapping[str, Collection[str]], hosts: Collection[str] = LOOPBACK
) -> FastAPI:
    """`present` is what specifications may ask for, by kind; `hosts` are the names this server answers to."""
    api = FastAPI(title="Headgate", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    api.state.server = Server(engine, present)
    failures.install(api)
    api.add_middleware(Guard, token=token, hosts=hosts)
    api.include_router(applications.routes)
    api.include_router(environments.routes)
    api.include_router(builds.routes)
    api.get("/api/health", tags=["server"])(health)
    return api


async def health() -> dict[str, str]:
    return {"status": "ok", "version": __version__}
