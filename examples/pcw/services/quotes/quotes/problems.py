"""Errors as an API answers them: what happened, in which field, what is allowed; never a traceback."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger("quotes")

# Shown to customers next to the field, so in their words; `{}` names are the limits of the rule.
WORDS = {
    "missing": "is needed",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be one of {expected}",
    "extra_forbidden": "is not part of this enquiry",
    "string_type": "must be text",
    "string_too_long": "must have at most {max_length} characters",
    "json_invalid": "the body is not JSON",
    "model_attributes_type": "the body must be one JSON object",
    "union_tag_not_found": "say which insurance is asked for: motor or home",
    "union_tag_invalid": "say which insurance is asked for: motor or home",
}


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
    # uvicorn closes the connection after an exception; told so, no proxy sends it another request.
    return JSONResponse(body, status_code=500, headers={"connection": "close"})


def _field(problem: dict[str, Any]) -> dict[str, str]:
    kind = problem["type"]
    if kind.startswith("union_tag"):
        return {"field": "kind", "problem": WORDS[kind]}
    name, message = _name(problem["loc"]), str(problem["msg"]).removeprefix("Value error, ")
    # A rule between two fields is raised on the whole enquiry and begins with the field it is about.
    if kind == "value_error" and not name:
        name, _, message = message.partition(": ")
    return {"field": name, "problem": WORDS.get(kind, message).format(**problem.get("ctx") or {})}


def _name(location: Sequence[object]) -> str:
    # ("body", "motor", "driver_age"): the second part is the kind of enquiry, not a field.
    return ".".join(str(part) for part in location[2:])
