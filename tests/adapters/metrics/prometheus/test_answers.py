"""What may answer instead of Prometheus, and what Headgate sends there."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from tests.adapters.metrics.prometheus.stage import settings

from headgate.adapters.metrics.prometheus import client
from headgate.adapters.metrics.prometheus.source import PrometheusMetrics
from headgate.adapters.metrics.prometheus.values import PrometheusValues
from headgate.model.measurements import NoData, Query, Window
from headgate.testing.contracts.metrics import PRODUCTION, SECOND, STABLE
from headgate.testing.contracts.values import MINUTE

EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}


class Answering:
    """A server of which each test says what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.answer: Callable[[], web.StreamResponse] = lambda: web.json_response(EMPTY)
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.asked.append((request.path, form, dict(request.headers)))
        return self.answer()


@pytest.fixture
async def server() -> AsyncIterator[Answering]:
    made, app = Answering(), web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def reason(url: str, **more: str) -> str:
    source, now = PrometheusMetrics(), datetime.now(UTC)
    found = await source.read(Query(PRODUCTION, "web", settings(url, **more)), STABLE, Window(now - SECOND, now))
    await source.close()
    assert isinstance(found, NoData), found
    return found.reason


def answer(body: object = EMPTY, status: int = 200, **headers: str) -> Callable[[], web.StreamResponse]:
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda: web.Response(text=text, status=status, headers=headers)


def data(result: object, kind: str = "matrix") -> dict[str, object]:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


ANSWERS = [
    (answer("<html>502 Bad Gateway</html>", 502), "is no Prometheus: HTTP 502, '<html>502"),
    (answer("", 204), "is no Prometheus: HTTP 204"),
    (answer("ok"), "is no Prometheus: HTTP 200, 'ok'"),
    (answer("[" * 100_000), "is no Prometheus"),
    (answer("1" * 10_000), "is no Prometheus"),
    (answer([]), "is no Prometheus"),
    (answer({"status": []}), "is no Prometheus"),
    (answer(status=302, location="http://127.0.0.1:1/"), "HTTP 302"),
    (answer({"status": "error", "error": "too\x1b[31m many" + " samples" * 90}, 422), "HTTP 422, too [31m many"),
    (answer({"status": "error"}), "refused: HTTP 200"),
    (answer(status=503), "refused: HTTP 503"),
    (answer({"status": "success"}), "something else than a matrix"),
    (answer(data([], "vector")), "something else than a matrix"),
    (answer(data({})), "something else than a matrix"),
    (answer(data([{"metric": {}}])), "cannot be read"),
    (answer({**EMPTY, "warnings": ["store-3 is down"]}), "warns of its own answer: ['store-3 is down']"),
    (answer(), "knows no series http_requests_total{"),
    (answer("x" * (client.LARGEST + 1)), "over 16 MiB"),
]


@pytest.mark.parametrize(("answered", "said"), ANSWERS, ids=[said[:40] for _, said in ANSWERS])
async def test_an_answer_that_is_none(
    server: Answering, answered: Callable[[], web.StreamResponse], said: str
) -> None:
    server.answer = answered
    told = await reason(server.url)
    assert said in told
    assert told.isprintable()
    assert len(told) < 400


NUMBERS = [
    (answer(data([1.5, "12"], "scalar")), 12.0),
    (answer(data([{"metric": {}, "value": [1.5, "-3e2"]}], "vector")), -300.0),
    (answer(data([1.5, "+Inf"], "scalar")), "is inf, no number"),
    (answer(data([], "vector")), "finds nothing for sum(x)"),
    (answer(data([[1, "2"]], "matrix")), "finds nothing for sum(x)"),
    (answer(data([{"metric": {}}], "vector")), "what is no number"),
    (answer(data([{"value": [1, None]}], "vector")), "what is no number"),
    (answer(data("many", "scalar")), "what is no number"),
    (answer(data(None, "vector")), "what is no number"),
    (answer({"status": "success", "data": 7}), "finds nothing"),
    (answer(status=503), "refused: HTTP 503"),
]


@pytest.mark.parametrize(("answered", "found"), NUMBERS, ids=[str(found)[:40] for _, found in NUMBERS])
async def test_what_an_expression_is_worth(
    server: Answering, answered: Callable[[], web.StreamResponse], found: float | str
) -> None:
    server.answer = answered
    values = PrometheusValues()
    read = await values.value("sum(x)", {"url": server.url}, MINUTE)
    await values.close()
    if isinstance(found, float):
        assert read == found
    else:
        assert isinstance(read, NoData)
        assert found in read.reason


@pytest.mark.parametrize("apart", [-3600, -8, 8, 3600])
async def test_clocks_that_disagree(server: Answering, apart: int) -> None:
    server.answer = answer(date=format_datetime(datetime.now(UTC) + timedelta(seconds=apart), usegmt=True))
    assert "apart: set them right" in await reason(server.url)


@pytest.mark.parametrize("date", ["soon", "Mon, 99 Nov 2026 12:00:00 GMT", ""])
async def test_a_date_that_is_none_says_nothing(server: Answering, date: str) -> None:
    server.answer = answer(date=date)
    assert "knows no series" in await reason(server.url)


async def test_nothing_listens() -> None:
    assert "http://127.0.0.1:1 cannot be reached" in await reason("http://127.0.0.1:1")


async def test_an_answer_that_stops_halfway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT", timedelta(seconds=0.3))

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"status":')
        await asyncio.sleep(2)
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", slow)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    assert "did not answer within" in await reason(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


async def test_what_is_asked(server: Answering) -> None:
    await reason(f"{server.url}/metrics/")
    ((path, form, headers),) = server.asked
    assert path == "/metrics/api/v1/query"
    labels = f'service="web",revision="{STABLE}",via="public"'
    assert form["query"] == f"http_requests_total{{{labels}}}[301001ms]"
    assert abs(float(form["time"]) - datetime.now(UTC).timestamp()) < 5
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("field", "expected"),
    [("token_from", "Bearer user:s3cret"), ("login_from", f"Basic {b64encode(b'user:s3cret').decode()}")],
)
async def test_who_asks_is_read_when_asking_and_told_to_nobody_else(
    server: Answering, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, field: str, expected: str
) -> None:
    assert "PROMETHEUS_KEY is not set" in await reason(server.url, **{field: "PROMETHEUS_KEY"})
    assert server.asked == []
    monkeypatch.setenv("PROMETHEUS_KEY", "user:s3cret\n")
    server.answer = answer(status=302, location="http://localhost:1/")
    told = await reason(server.url, **{field: "PROMETHEUS_KEY"})
    assert [headers["Authorization"] for _, _, headers in server.asked] == [expected]
    server.answer = answer(f"what does {expected} want here?", 400)
    told += await reason(server.url, **{field: "PROMETHEUS_KEY"})
    assert "*** want here?" in told
    assert expected.split()[1] not in told
    assert "s3cret" not in told + caplog.text
    monkeypatch.setenv("PROMETHEUS_KEY", "a\r\nHost: b")
    assert "cannot be sent" in await reason(server.url, **{field: "PROMETHEUS_KEY"})


async def test_settings_that_never_were_in_a_file() -> None:
    source, now = PrometheusMetrics(), datetime.now(UTC)
    good = settings("http://127.0.0.1:1")
    for wrong in ({}, {**good, "errors": "rate(x)"}, {**good, "scrape_interval": "x"}, {**good, "url": "http://["}):
        found = await source.read(Query(PRODUCTION, "web", wrong), STABLE, Window(now - SECOND, now))
        assert isinstance(found, NoData), found
    await source.close()
