"""The HTTP face: pages for people, a JSON pass-through for programs, two routes for operators."""

import gc
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from web.errors import error_handlers
from web.form import FORMS, Form
from web.pages import Pages
from web.quotes_client import QuotesClient, QuotesFailed, Reply
from web.request_body import read_body, read_form
from web.settings import Settings

QUOTE_ID = re.compile(r"[A-Za-z0-9_]{1,64}")


def create_app(settings: Settings) -> Starlette:
    _configure_logging(settings.log_level)
    pages = Pages()
    client = QuotesClient(settings.quotes_url, settings.quotes_timeout.total_seconds(), settings.quotes_connections)
    site = Site(pages, client, settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            # What start-up made lives as long as the process: kept out of every later collection, it would show in p99.
            gc.collect()
            gc.freeze()
            yield

    return Starlette(routes=site.routes(), lifespan=lifespan, exception_handlers=error_handlers(pages))


class Site:
    def __init__(self, pages: Pages, client: QuotesClient, settings: Settings) -> None:
        self._pages = pages
        self._client = client
        self._settings = settings

    def routes(self) -> list[Route | Mount]:
        return [
            Route("/api/quotes", self.api_ask, methods=["POST"]),
            Route("/api/quotes/{id}", self.api_read_back),
            Route("/", self.home),
            Route("/quotes/{id}", self.read_back),
            Route("/healthz", self.healthz),
            Route("/version", self.version),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
            Route("/{kind}", self.blank_form, methods=["GET"]),
            Route("/{kind}", self.filled_form, methods=["POST"]),
        ]

    async def home(self, _: Request) -> Response:
        return self._pages.render("home.html", forms=list(FORMS.values()))

    async def blank_form(self, request: Request) -> Response:
        form = _form(request)
        return self._pages.render("form.html", form=form, typed=form.blank(), problems={})

    async def filled_form(self, request: Request) -> Response:
        form = _form(request)
        typed = await read_form(request)
        reply = await self._client.ask(json.dumps(form.enquiry(typed)).encode(), request.headers)
        if reply.status == 422:
            return self._with_problems(form, typed, reply)
        return self._results(_understood(reply))

    async def read_back(self, request: Request) -> Response:
        return self._results(_understood(await self._client.read_back(_quote_id(request), request.headers)))

    async def api_ask(self, request: Request) -> Response:
        return _pass_through(await self._client.ask(await read_body(request), request.headers))

    async def api_read_back(self, request: Request) -> Response:
        return _pass_through(await self._client.read_back(_quote_id(request), request.headers))

    async def healthz(self, _: Request) -> Response:
        # quotes is not asked: when it is away, restarting web or taking it out of service would help nobody.
        return JSONResponse({"ready": True})

    async def version(self, _: Request) -> Response:
        return JSONResponse(
            {"service": "web", "release": self._settings.release, "revision": self._settings.revision}
        )

    def _with_problems(self, form: Form, typed: dict[str, str], reply: Reply) -> Response:
        problems = {problem["field"]: problem["problem"] for problem in json.loads(reply.body)["fields"]}
        return self._pages.render("form.html", 422, form=form, typed={**form.blank(), **typed}, problems=problems)

    def _results(self, reply: Reply) -> Response:
        answer = json.loads(reply.body)
        return self._pages.render("results.html", answer=answer, form=FORMS[answer["kind"]])


def _form(request: Request) -> Form:
    form = FORMS.get(request.path_params["kind"])
    if form is None:
        raise HTTPException(404)
    return form


def _quote_id(request: Request) -> str:
    id: str = request.path_params["id"]
    if not QUOTE_ID.fullmatch(id):
        raise HTTPException(404)
    return id


def _understood(reply: Reply) -> Reply:
    if reply.status == 404:
        raise HTTPException(404)
    if reply.status >= 300:
        raise QuotesFailed(f"quotes answered {reply.status}")
    return reply


def _pass_through(reply: Reply) -> Response:
    return Response(reply.body, reply.status, media_type="application/json")


def _configure_logging(level: str) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("web").setLevel(level)
    # One line per request is for debugging only: at 500 requests/s it is a noticeable cost.
    logging.getLogger("uvicorn.access").setLevel(logging.INFO if level == "DEBUG" else logging.WARNING)
