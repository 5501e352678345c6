"""Errors as an API answers them: what happened, in which field, what is allowed; never a traceback."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger("quotes")


async def invalid_enquiry(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [_field(problem) for problem in error.errors()]
    return JSONResponse({"error": "the enquiry cannot be quoted as it is", "fields": fields}, status_code=422)


async def database_away(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SQLAlchemyError)
    log.warning("the database did not answer: %s", type(error).__name__)
    return JSONResponse({"error": "the database does not answer; try again in a moment"}, status_code=503)


async def unexpected(request: Request, _: Exception) -> JSONResponse:
    """The traceback goes to the log (the server writes it); the caller gets an id to ask about."""
    body = {"error": "something went wrong on our side", "request_id": request.headers.get("x-request-id")}
    return JSONResponse(body, status_code=500)


def _field(problem: dict[str, Any]) -> dict[str, str]:
    message = str(problem["msg"]).removeprefix("Value error, ")
    name = _name(problem["loc"])
    # A rule between two fields is raised on the whole enquiry and begins with the field it is about.
    about, colon, rest = message.partition(": ")
    if not name and colon and about.isidentifier():
        name, message = about, rest
    if problem["type"] in ("union_tag_not_found", "union_tag_invalid"):
        name, message = "kind", "say which insurance is asked for: motor or home"
    return {"field": name, "problem": message}


def _name(location: Sequence[object]) -> str:
    # ("body", "motor", "driver_age"): the second part is the kind of enquiry, not a field.
    return ".".join(str(part) for part in location[2:])
