"""Check `http`: requests one after the other, each with what must come back. The first that fails is told."""

import json
import time
from datetime import timedelta

import aiohttp
from multidict import CIMultiDictProxy

from headgate.adapters.json_path import LONGEST_SHOWN, values_at
from headgate.adapters.limited import limited
from headgate.adapters.machine.checks.found import Found, answer, base_url, say
from headgate.adapters.quoted import short
from headgate.model.checks import Job, Request
from headgate.ports import AdapterError

LARGEST = 4 * 1024 * 1024  # bytes of an answer
TOO_MUCH = f"expected at most {LARGEST >> 20} MiB, found more"
MOST = 10  # values that a JSON path is followed to
PATIENCE = timedelta(seconds=30)  # with one answer, where the request says nothing


class Wrong(Exception):
    """What was found instead of what was expected."""


async def look(job: Job) -> Found:
    slowest = 0.0
    requests = job.check.requests
    # A visitor's cookies, over all requests of the check; uncompressed, so that LARGEST is what it says.
    jar, plain = aiohttp.CookieJar(unsafe=True), {"Accept-Encoding": "identity", "User-Agent": "headgate"}
    async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=False, headers=plain) as session:
        for number, request in enumerate(requests):
            url = f"{base_url(job, request.service)}{request.path}"
            try:
                seconds = await asked(session, url, request)
            except Wrong as wrong:
                numbers = {"requests": number + 1.0, "failed": 1.0, "slowest_ms": round(slowest * 1000, 1)}
                return Found(False, f"{request.method} {url}: {wrong}", numbers)
            slowest = max(slowest, seconds)
            say(f"{request.method} {url} answered as expected in {seconds * 1000:.0f} ms")
    numbers = {"requests": float(len(requests)), "failed": 0.0, "slowest_ms": round(slowest * 1000, 1)}
    every = "the request" if len(requests) == 1 else f"all {len(requests)} requests"
    return Found(True, f"{every} answered as expected, the slowest in {slowest * 1000:.0f} ms", numbers)


async def asked(session: aiohttp.ClientSession, url: str, request: Request) -> float:
    """Seconds to the whole answer. Raises Wrong."""
    limit, began = request.within or PATIENCE, time.perf_counter()
    try:
        async with session.request(
            request.method,
            url,
            headers=request.headers,
            data=request.body.encode() or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=limit.total_seconds()),
        ) as found:
            body = b"" if request.method == "HEAD" else await limited(found, LARGEST, TOO_MUCH)
            seconds = time.perf_counter() - began
            compare(request, found.status, found.headers, body)
            return seconds
    except TimeoutError as error:
        raise Wrong(f"expected an answer within {limit.total_seconds() * 1000:g} ms, found none") from error
    except aiohttp.ClientConnectorError as error:
        refused = isinstance(error.os_error, ConnectionRefusedError)
        raise Wrong("refused connection" if refused else f"cannot be reached: {error.os_error.strerror}") from error
    except AdapterError as error:
        raise Wrong(str(error)) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Wrong(f"gave no proper answer: {short(str(error) or type(error).__name__)}") from error


def compare(request: Request, status: int, headers: CIMultiDictProxy[str], body: bytes) -> None:
    """Raises Wrong with the first difference."""
    if status not in request.status:
        expected = " or ".join(map(str, request.status))
        raise Wrong(f"expected status {expected}, found {status}{begin(body)}")
    for name, value in request.expected_headers.items():
        found = headers.getall(name, [])
        if value not in found:
            raise Wrong(f"expected header {name}: {value}, found {', '.join(map(repr, found)) or 'none'}")
    for path, value in request.json.items():
        compare_json(path, json.loads(value), body)
    text = body.decode(errors="replace")
    for wanted in request.contains:
        if wanted not in text:
            raise Wrong(f"expected the text {wanted!r}, which is not in the answer{begin(body)}")


def compare_json(path: str, expected: object, body: bytes) -> None:
    try:
        found = values_at(path, body, MOST)
    except AdapterError as error:
        raise Wrong(f"expected {path} to be {json.dumps(expected)}, but {error}") from error
    if len(found) != 1 or found[0] != expected or isinstance(found[0], bool) != isinstance(expected, bool):
        shown = ", ".join(json.dumps(one) for one in found) or "nothing there"
        raise Wrong(f"expected {path} to be {json.dumps(expected)}, found {short(shown, LONGEST_SHOWN)}")


def begin(body: bytes) -> str:
    text = "".join(one if one.isprintable() else " " for one in body[:LONGEST_SHOWN].decode(errors="replace")).strip()
    return f" ({text!r})" if text else ""


if __name__ == "__main__":
    answer(look)
