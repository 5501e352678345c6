"""The value source `web` against a server on loopback: one number, or the reason why there is none."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from headgate.adapters.values.web import LARGEST, WebValues, number_at
from headgate.model.measurements import NoData
from headgate.ports import AdapterError
from headgate.testing.contracts.values import MINUTE, ValueSourceContract


class WebStage:
    nothing = "$.results.missing"

    def __init__(self) -> None:
        self.values = WebValues()
        self.settings: dict[str, str] = {}
        self.answer: Any = {}
        self.status, self.headers = 200, {"Content-Type": "application/json"}
        self.asked: list[dict[str, str]] = []
        self.server: TestServer | None = None

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/{tail:.*}", self._answer)
        self.server = TestServer(application, host="127.0.0.1")
        await self.server.start_server()
        self.settings = {"url": str(self.server.make_url("/numbers?of=web")), "timeout": "2"}

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append({name.lower(): value for name, value in request.headers.items()})
        body = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        return web.Response(body=body, status=self.status, headers=self.headers)

    async def holds(self, number: float) -> str:
        self.answer = {"results": {"percent": number}}
        return "$.results.percent"

    async def go_blind(self) -> None:
        assert self.server is not None
        await self.server.close()

    async def read(self, path: str = "$.n", **more: str) -> float | NoData:
        return await self.values.value(path, {**self.settings, **more}, MINUTE)


@pytest.fixture
async def stage() -> AsyncIterator[WebStage]:
    made = WebStage()
    await made.start()
    yield made
    await made.values.close()
    await made.go_blind()


class TestWebValues(ValueSourceContract):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[WebStage]:
        made = WebStage()
        await made.start()
        yield made
        await made.values.close()
        await made.go_blind()


@pytest.mark.parametrize(
    ("answer", "path", "number"),
    [
        ({"n": True}, "$.n", 1.0),
        ({"n": False}, "$.n", 0.0),
        ({"n": "0.95"}, "$.n", 0.95),
        ([1, 2, 3], "$[1]", 2.0),
        ([{"name": "a", "n": 1}, {"name": "b", "n": 2}], "$[?@.name == 'b'].n", 2.0),
        (7, "$", 7.0),
    ],
)
async def test_numbers(stage: WebStage, answer: Any, path: str, number: float) -> None:
    stage.answer = answer
    assert await stage.read(path) == number


@pytest.mark.parametrize(
    ("answer", "path", "reason"),
    [
        ({"n": None}, "$.n", "$.n leads to null, which is no number"),
        ({"n": "many"}, "$.n", '$.n leads to "many", which is no number'),
        ({"n": [1]}, "$.n", "$.n leads to [1], which is no number"),
        ([1, 2], "$[*]", "$[*] leads to 2 values in the answer"),
        ({}, "$.n", "$.n leads to nothing in the answer"),
        (b"<html>Login</html>", "$.n", "the answer is no JSON: '<html>Login</html>'"),
        (b"[" * 100_000, "$.n", "the answer is no JSON"),
        (b'{"n": NaN}', "$.n", "$.n leads to NaN, which is no number"),
        (b'{"n": 1e999}', "$.n", "$.n leads to Infinity, which is no number"),
        (b"\xff\xfe", "$.n", "the answer is no JSON"),
        ({"n": 1}, "$[?match(@, '(a+)+$')]", "is no JSON path"),
        (b" " * (LARGEST + 1), "$.n", "answers with over 256 KiB"),
    ],
)
async def test_what_is_no_number_is_named(stage: WebStage, answer: Any, path: str, reason: str) -> None:
    stage.answer = answer
    found = await stage.read(path)
    assert isinstance(found, NoData)
    assert reason in found.reason


async def test_another_status_is_no_number_and_redirections_are_not_followed(stage: WebStage) -> None:
    stage.answer = {"n": 1}
    for status in (500, 404, 204, 302):
        stage.status, stage.headers = status, {"Location": "http://127.0.0.1:9/elsewhere"}
        found = await stage.read()
        assert isinstance(found, NoData)
        assert f"HTTP {status}" in found.reason
    assert len(stage.asked) == 4


async def test_headers_come_from_variables(stage: WebStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.answer = {"n": 1}
    monkeypatch.setenv("METRIC_TOKEN", "Bearer secret")
    assert await stage.read(**{"header.Authorization": "METRIC_TOKEN"}) == 1
    assert stage.asked[-1]["authorization"] == "Bearer secret"
    monkeypatch.setenv("METRIC_TOKEN", "two\nlines")
    for variable in ("METRIC_TOKEN", "METRIC_UNSET"):
        found = await stage.read(**{"header.Authorization": variable})
        assert isinstance(found, NoData)
        assert variable in found.reason
        assert "lines" not in found.reason


@pytest.mark.parametrize("answer", [b"who are you, Bearer s3cr3t\"x?", {"n": 'Bearer s3cr3t"x'}, {"n": ['s3cr3t"x']}])
async def test_an_answer_that_repeats_a_token_writes_it_into_no_log(
    stage: WebStage, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.answer = answer
    monkeypatch.setenv("METRIC_TOKEN", 'Bearer s3cr3t"x')
    found = await stage.read(**{"header.Authorization": "METRIC_TOKEN"})
    assert isinstance(found, NoData)
    assert "***" in found.reason
    assert "s3cr3t" not in found.reason


async def test_what_is_no_http_is_told_without_the_query(stage: WebStage) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = await stage.read(url=f"http://127.0.0.1:{port}/?token=secret")
    server.close()
    assert isinstance(found, NoData)
    assert "answered with what is no HTTP" in found.reason
    assert "secret" not in found.reason


async def test_what_is_compressed_all_the_same_is_not_blown_up(stage: WebStage) -> None:
    stage.answer, stage.headers = gzip.compress(b" " * (2 * LARGEST) + b"1"), {"Content-Encoding": "gzip"}
    found = await stage.read("$")
    assert isinstance(found, NoData)
    assert "the answer is no JSON" in found.reason
    assert stage.asked[-1]["accept-encoding"] == "identity"


async def test_a_path_that_leads_everywhere_is_not_followed_everywhere(stage: WebStage) -> None:
    stage.answer = [[1] * 50] * 50
    found = await stage.read("$..*")
    assert found == NoData("$..* leads to 10 values or more in the answer")


async def test_a_server_that_is_silent_is_given_up(stage: WebStage) -> None:
    hangs = await _silent()
    port = hangs.sockets[0].getsockname()[1]
    found = await stage.read(url=f"http://127.0.0.1:{port}/?token=secret", timeout="0.1")
    assert found == NoData(f"http://127.0.0.1:{port} did not answer within 0.1 s")
    hangs.close()


async def _silent() -> Any:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    return await asyncio.start_server(silent, "127.0.0.1", 0)


def test_a_path_is_read_by_the_standard() -> None:
    assert number_at("$['a b']", b'{"a b": 3}') == 3
    with pytest.raises(AdapterError, match="is no JSON path"):
        number_at("{$.n}", b'{"n": 3}')
