"""What is passed on to quotes, and what a visitor sees when quotes is broken, slow or away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from aiohttp import web as aio
from web.application import create_app
from web.settings import Settings, SettingsError

Answer = Callable[[aio.Request], Awaitable[aio.StreamResponse]]


@asynccontextmanager
async def visitor(answer: Answer) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the pages, whose quotes service is `answer`, on a real socket."""
    fake = aio.Application()
    fake.router.add_route("*", "/{path:.*}", answer)
    runner = aio.AppRunner(fake)
    await runner.setup()
    site = aio.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    settings = Settings(f"http://127.0.0.1:{runner.addresses[0][1]}", quotes_timeout=timedelta(milliseconds=300))
    app = create_app(settings)
    try:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://web") as client:
                yield client
    finally:
        await runner.cleanup()


def post(answer: Answer, path: str = "/api/quotes", **headers: str) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with visitor(answer) as client:
            return await client.post(path, content=b"{}", headers=headers)

    return asyncio.run(scenario())


def test_the_marks_of_a_canary_and_of_a_trace_are_passed_on_and_nothing_else() -> None:
    async def echo(request: aio.Request) -> aio.Response:
        return aio.json_response({name.lower(): value for name, value in request.headers.items()})

    marks = {
        "x-headgate-revision": "rev_2", "x-request-id": "r1", "traceparent": "00-ab-cd-01",
        "baggage": "headgate.side=candidate",
    }
    seen = post(echo, **marks, cookie="secret=1", authorization="Bearer x").json()
    assert {name: seen[name] for name in marks} == marks
    assert "cookie" not in seen
    assert "authorization" not in seen


def test_a_failing_quotes_service_is_told_kindly_to_people_and_as_it_is_to_programs() -> None:
    async def broken(_: aio.Request) -> aio.Response:
        return aio.json_response({"error": "x"}, status=500)

    assert post(broken).status_code == 500
    page = post(broken, "/motor", **{"x-request-id": "req-7"})
    assert page.status_code == 502
    assert "This is our fault" in page.text
    assert "req-7" in page.text


@pytest.mark.parametrize(("path", "kind"), [("/motor", "text/html"), ("/api/quotes", "application/json")])
def test_a_quotes_service_that_takes_too_long(path: str, kind: str) -> None:
    async def slow(_: aio.Request) -> aio.Response:
        await asyncio.sleep(2)
        return aio.Response()

    reply = post(slow, path)
    assert reply.status_code == 503
    assert reply.headers["content-type"].startswith(kind)


def test_a_connection_closed_without_an_answer_is_tried_once_more() -> None:
    calls: list[str] = []

    async def closes_the_first(request: aio.Request) -> aio.Response:
        calls.append(request.path)
        if len(calls) == 1 and request.transport is not None:
            request.transport.close()
        return aio.json_response({"id": "quo_1"}, status=201)

    assert post(closes_the_first).status_code == 201
    assert calls == ["/quotes", "/quotes"]


def test_an_answer_with_an_error_is_not_tried_again() -> None:
    calls: list[str] = []

    async def broken(request: aio.Request) -> aio.Response:
        calls.append(request.path)
        return aio.Response(status=500)

    post(broken)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "QUOTES_URL"),
        ({"QUOTES_URL": "quotes:8000"}, "QUOTES_URL"),
        ({"QUOTES_URL": "http://q", "QUOTES_TIMEOUT_SECONDS": "soon"}, "QUOTES_TIMEOUT_SECONDS"),
        ({"QUOTES_URL": "http://q", "LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    ],
)
def test_settings_that_cannot_be_used_are_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment(environment)
