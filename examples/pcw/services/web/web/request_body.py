"""Reads what a stranger sends, but not more than we can use."""

from urllib.parse import parse_qsl

from starlette.requests import Request

# Bytes. A whole form is under 400.
LARGEST = 16 * 1024


class BodyTooLarge(Exception):
    """More than LARGEST bytes were sent."""


class NotAForm(Exception):
    """The body is not what a browser sends for a form."""


async def read_body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise BodyTooLarge
        parts.append(part)
    return b"".join(parts)


async def read_form(request: Request) -> dict[str, str]:
    body = await read_body(request)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError as error:
        raise NotAForm from error
