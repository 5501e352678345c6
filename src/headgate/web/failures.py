"""What went wrong, as JSON for a program and a sentence for a person: {"error": {"what", "where", "remedy"}}."""

import logging
import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from headgate.engine.refusals import (
    AdapterError,
    Conflict,
    LogDamaged,
    LogUnavailable,
    Rejected,
    SpecificationError,
    Unknown,
)

MOST_PROBLEMS = 50
MOST_FIELDS = 5

log = logging.getLogger(__name__)

# Exception -> HTTP status, and what to do where its text does not say so itself.
MEANINGS: dict[type[Exception], tuple[int, str]] = {
    Unknown: (404, "`headgate status` shows what there is."),
    Rejected: (409, "`headgate status` shows how things stand."),
    Conflict: (409, "Another change came first: look again with `headgate status` and repeat the command."),
    AdapterError: (502, "Nothing was decided; mend what it names and repeat the command."),
    LogUnavailable: (503, "Nothing was recorded; mend what it names and repeat the command."),
    LogDamaged: (503, "`headgate audit verify` names the first bad row."),
}


def failure(status: int, what: str, where: str, remedy: str, **more: Any) -> JSONResponse:
    return JSONResponse({"error": {"what": what, "where": where, "remedy": remedy, **more}}, status)


def install(api: FastAPI) -> None:
    for kind in MEANINGS:
        api.add_exception_handler(kind, _expected)
    api.add_exception_handler(SpecificationError, _specification)
    api.add_exception_handler(RequestValidationError, _body)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(Exception, _unexpected)


def in_parts(text: str, otherwise: str) -> tuple[str, str]:
    """The engine's sentence as what happened and what to do: its last clause is the remedy if it names a command."""
    what, _, remedy = text.rpartition("; ")
    return (what, remedy) if what and "`headgate " in remedy else (text, otherwise)


async def _expected(request: Request, error: Exception) -> JSONResponse:
    status, otherwise = next(MEANINGS[kind] for kind in type(error).__mro__ if kind in MEANINGS)
    what, remedy = in_parts(str(error), otherwise)
    return failure(status, what, _where(request), remedy)


async def _specification(request: Request, error: Exception) -> JSONResponse:
    problems = error.problems if isinstance(error, SpecificationError) else ()
    shown = [
        {name: getattr(one, name) for name in ("file", "line", "column", "field", "found", "allowed", "remedy")}
        for one in problems[:MOST_PROBLEMS]
    ]
    what = f"the file has {len(problems)} problem{'s' if len(problems) > 1 else ''}"
    where = problems[0].file if problems else _where(request)
    return failure(422, what, where, "Mend the file where the problems say.", problems=shown)


async def _body(request: Request, error: Exception) -> JSONResponse:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    what = "; ".join(_of_field(one) for one in found[:MOST_FIELDS])
    remedy = "See /api/openapi.json for what is allowed."
    return failure(422, f"the request is not understood: {what}", _where(request), remedy)


def _of_field(error: dict[str, Any]) -> str:
    """`why must not be empty`, as the one who wrote --why reads it."""
    place = [str(part) for part in error["loc"]]
    name = ".".join(place[1:] or place)  # without `body` or `query`
    said = {"string_too_short": "must not be empty", "missing": "is missing"}.get(error["type"])
    return f"{name} {said}" if said else f"{name}: {error['msg']}"


async def _http(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail).lower() if isinstance(error, HTTPException) else ""
    return failure(status, detail, _where(request), "See /api/openapi.json for what there is.")


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """The reader gets an id; the server's log has it beside the traceback."""
    number = f"err_{secrets.token_hex(6)}"
    log.error("%s in %s %s", number, request.method, _path(request), exc_info=error)
    what = f"a defect of Headgate ({number})"
    return failure(500, what, _where(request), "The server's log has it under that id; please report it.", id=number)


def _where(request: Request) -> str:
    """pcw/production, or the path where the request names no environment."""
    named = request.path_params
    if "application" not in named:
        return f"{request.method} {_path(request)}"
    return "/".join(part for part in (named["application"], named.get("environment")) if part)


def _path(request: Request) -> str:
    """The address of a review is a secret of its own."""
    path = request.url.path
    return "/review/..." if path.startswith("/review/") else path
