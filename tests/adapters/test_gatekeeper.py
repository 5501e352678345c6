"""Webhook gates against a server on loopback: a plain yes, a plain no, and everything that is neither."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.decide.given import NOW

from headgate.adapters.gatekeeper import LARGEST, WebGatekeeper
from headgate.model.observations import GateAnswer
from headgate.model.rules import WebhookGate

KEY = "a key of the gate"
QUESTION = {"application": "shop", "commit": "c" * 40}


class Stage:
    def __init__(self) -> None:
        self.keeper = WebGatekeeper()
        self.answer: Any = {"open": True}
        self.status, self.delay = 200, 0.0
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[dict[str, str], bytes]] = []

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/gate", self._answer)
        self.server = TestServer(application, host="127.0.0.1")
        await self.server.start_server()
        self.url = str(self.server.make_url("/gate?token=hidden"))

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append((dict(request.headers), await request.read()))
        await asyncio.sleep(self.delay)
        body = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        return web.Response(body=body, status=self.status, headers=self.headers)

    async def ask(self, **more: Any) -> GateAnswer:
        gate = WebhookGate(self.url, **{"timeout": timedelta(seconds=2), **more})
        answer = await self.keeper.ask(gate, QUESTION, NOW)
        assert "hidden" not in answer.why
        assert answer.at == NOW
        return answer


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    await made.start()
    yield made
    await made.keeper.close()
    await made.server.close()


@pytest.mark.parametrize(
    ("said", "open_", "why"),
    [
        ({"open": True, "why": "go"}, True, "go"),
        ({"open": False, "why": "an incident"}, False, "an incident"),
        ({"open": False}, False, "it gave no reason"),
        ({"open": False, "why": "a\x1b[31m\nb"}, False, "a [31m b"),
        ({"open": False, "why": "x" * 5000}, False, "x" * 197 + "..."),
        ({"open": "true"}, None, "no `open` that is true or false"),
        ({"open": 1}, None, "no `open` that is true or false"),
        ({"open": None}, None, "no `open` that is true or false"),
        ({}, None, "no `open` that is true or false"),
        ([True], None, "no `open` that is true or false"),
        (b"", None, "no JSON"),
        (b"true", None, "no `open`"),
        (b"<html>open: true</html>", None, "no JSON"),
        (b"[" * 50_000, None, "no JSON"),
        (b'{"open": true, "why": "' + b"x" * LARGEST + b'"}', None, "over 64 KiB"),
    ],
    ids=range(15),
)
async def test_only_a_plain_yes_is_a_yes(stage: Stage, said: Any, open_: bool | None, why: str) -> None:
    stage.answer = said
    answer = await stage.ask()
    assert answer.open is open_
    assert why in answer.why


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 403, 404, 500, 503])
async def test_any_other_status_is_unknown(stage: Stage, status: int) -> None:
    stage.status, stage.headers = status, {"Location": "/gate"}
    answer = await stage.ask()
    assert (answer.open, answer.why) == (None, f"it answered HTTP {status}")
    assert len(stage.asked) == 1  # no redirection is followed


async def test_no_answer_is_unknown(stage: Stage) -> None:
    stage.delay = 5
    answer = await stage.ask(timeout=timedelta(seconds=0.05))
    assert (answer.open, answer.why) == (None, "it did not answer within 0.05 s")


async def test_nobody_there_is_unknown(stage: Stage) -> None:
    await stage.server.close()
    answer = await stage.ask()
    assert answer.open is None
    assert answer.why.startswith("it cannot be reached (")


async def test_a_question_is_signed_with_its_moment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE_KEY", KEY)
    assert (await stage.ask(secret_from="GATE_KEY")).open
    ((headers, body),) = stage.asked
    assert json.loads(body) == QUESTION
    moment = headers["Headgate-Timestamp"]
    assert moment == str(int(NOW.timestamp()))
    wanted = hmac.new(KEY.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["Headgate-Signature"] == f"sha256={wanted}"
    assert KEY not in str(headers) + body.decode()


async def test_without_its_key_nobody_is_asked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATE_KEY", raising=False)
    answer = await stage.ask(secret_from="GATE_KEY")
    assert answer.open is None
    assert "GATE_KEY is not set" in answer.why
    assert stage.asked == []


async def test_unsigned_it_says_so_by_having_no_signature(stage: Stage) -> None:
    await stage.ask()
    assert "Headgate-Signature" not in stage.asked[0][0]
