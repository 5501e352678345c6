"""What a visitor reads when something is wrong: kind words and a next step. Programs below /api get JSON."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from web.pages import Pages
from web.quotes_client import QuotesFailed, QuotesUnavailable
from web.request_body import BodyTooLarge, NotAForm

log = logging.getLogger("web")
ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]


@dataclass(frozen=True)
class Trouble:
    status: int
    title: str
    advice: str


NOT_FOUND = Trouble(404, "We cannot find that page", "A new quote can take a moment before it can be opened again. "
                    "Otherwise the address may be incomplete.")
NOT_ALLOWED = Trouble(405, "That does not work here", "Please start again from the first page.")
TOO_LARGE = Trouble(413, "That was more than we can read", "Please fill in the form again, with short answers.")
NOT_A_FORM = Trouble(400, "We could not read your answers", "Please fill in the form again.")
QUOTES_FAILED = Trouble(502, "We could not get your quotes", "This is our fault, not yours, and we have been told. "
                        "Nothing was charged or bought. Please try again in a few minutes.")
QUOTES_AWAY = Trouble(503, "Our quotes are taking a short break", "Nothing was charged or bought. "
                      "Please try again in a minute.")
UNEXPECTED = Trouble(500, "Something went wrong", "This is our fault, not yours. Nothing was charged or bought. "
                     "Please try again in a few minutes.")
BY_STATUS = {404: NOT_FOUND, 405: NOT_ALLOWED}


def error_handlers(pages: Pages) -> dict[type[Exception], ErrorHandler]:
    def show(trouble: Trouble) -> ErrorHandler:
        async def answer(request: Request, error: Exception) -> Response:
            if trouble.status >= 500:
                log.warning("%s %s: %s: %s", request.method, request.url.path, type(error).__name__, error)
            reply = _answer(pages, request, trouble)
            if trouble is UNEXPECTED:
                # uvicorn closes the connection after an exception; told so, no proxy sends it another request.
                reply.headers["connection"] = "close"
            return reply

        return answer

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _answer(pages, request, BY_STATUS.get(error.status_code, UNEXPECTED))

    return {
        HTTPException: http,
        BodyTooLarge: show(TOO_LARGE),
        NotAForm: show(NOT_A_FORM),
        QuotesFailed: show(QUOTES_FAILED),
        QuotesUnavailable: show(QUOTES_AWAY),
        Exception: show(UNEXPECTED),
    }


def _answer(pages: Pages, request: Request, trouble: Trouble) -> Response:
    reference = request.headers.get("x-request-id", "")
    if request.url.path.startswith("/api/"):
        body = {"error": trouble.title, "what_to_do": trouble.advice, "request_id": reference}
        return JSONResponse(body, trouble.status)
    return pages.render("error.html", trouble.status, trouble=trouble, reference=reference)
