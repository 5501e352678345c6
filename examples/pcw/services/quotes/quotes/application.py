"""The HTTP face of the service: four routes over the panel and the journal."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from quotes import problems
from quotes.answer import Answer, compose, to_json
from quotes.database import Database
from quotes.enquiry import Enquiry
from quotes.journal import Journal
from quotes.panel import Panel
from quotes.provider import Provider, TariffProvider
from quotes.settings import Settings
from quotes.tariff import load_tariffs

log = logging.getLogger("quotes")


def create_app(settings: Settings, providers: Sequence[Provider] | None = None) -> FastAPI:
    _configure_logging(settings.log_level)
    database = Database(settings.database_url, settings.database_timeout)
    journal = Journal(database, settings.flush_interval, settings.max_pending)
    panel = Panel(tariff_providers(settings) if providers is None else providers)
    app = FastAPI(title="quotes", lifespan=_lifespan(database, journal))
    app.add_exception_handler(RequestValidationError, problems.invalid_enquiry)
    app.add_exception_handler(SQLAlchemyError, problems.database_away)
    app.add_exception_handler(Exception, problems.unexpected)
    _add_quote_routes(app, settings, panel, journal)
    _add_operator_routes(app, settings, database)
    return app


def tariff_providers(settings: Settings) -> list[Provider]:
    return [TariffProvider(tariff, settings.provider_timeout) for tariff in load_tariffs(settings.tariff_dir)]


def _add_quote_routes(app: FastAPI, settings: Settings, panel: Panel, journal: Journal) -> None:
    @app.post("/quotes", response_model=Answer, status_code=201)
    async def ask(enquiry: Enquiry) -> Response:
        answer = compose(enquiry, await panel.ask(enquiry))
        body = to_json(answer)
        journal.add({
            "id": answer["id"],
            "created_at": answer["created_at"],
            "kind": answer["kind"],
            "release": settings.release,
            "enquiry": enquiry.model_dump_json(),
            "answer": body.decode(),
        })
        return Response(body, 201, media_type="application/json")

    @app.get("/quotes/{id}", response_model=Answer)
    async def read_back(id: str) -> Response:
        answer = await journal.find(id)
        if answer is None:
            return JSONResponse({"error": f"no quote {id[:40]!r}; a new one can be read after a moment"}, 404)
        return Response(answer, media_type="application/json")


def _add_operator_routes(app: FastAPI, settings: Settings, database: Database) -> None:
    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """Ready: the tariffs are loaded (else the process would not have started) and the database answers."""
        try:
            async with asyncio.timeout(settings.database_timeout.total_seconds()):
                await asyncio.to_thread(database.check)
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("not ready, the database does not answer: %s", error)
            return JSONResponse({"ready": False, "why": "the database does not answer"}, 503)
        return JSONResponse({"ready": True})

    @app.get("/version")
    async def version() -> dict[str, str]:
        return {"service": "quotes", "release": settings.release, "revision": settings.revision}


def _lifespan(database: Database, journal: Journal) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        writer = asyncio.create_task(journal.run(), name="journal")
        # What start-up made lives as long as the process: kept out of every later collection, which would show in p99.
        gc.collect()
        gc.freeze()
        yield
        # The server has answered everything in flight by now; what they left in the journal is written here.
        journal.stop()
        await writer
        database.close()

    return lifespan


def _configure_logging(level: str) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("quotes").setLevel(level)
    # One line per request is for debugging only: at 500 requests/s it costs more than the rating.
    logging.getLogger("uvicorn.access").setLevel(logging.INFO if level == "DEBUG" else logging.WARNING)
