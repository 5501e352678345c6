"""Somebody else's server on loopback: keeps what it was asked, and answers as it is told to."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from headgate.model.notices import Target


@dataclass
class Asked:
    method: str
    path: str  # as it came, with its query
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Loopback:
    def __init__(self, answers: Callable[[Asked], Awaitable[tuple[int, Any]]] | None = None) -> None:
        self.asked: list[Asked] = []
        self.refusal: tuple[int, dict[str, str]] | None = None
        self._answers = answers

    async def start(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self.server = TestServer(application, host="127.0.0.1")
        await self.server.start_server()

    async def close(self) -> None:
        await self.server.close()

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.server.port}{path}"

    async def _answer(self, request: web.Request) -> web.Response:
        asked = Asked(request.method, request.raw_path, dict(request.headers), await request.read())
        if self.refusal is not None:
            return web.Response(status=self.refusal[0], headers=self.refusal[1], text="refused: " + request.raw_path)
        self.asked.append(asked)
        status, body = await self._answers(asked) if self._answers else (204, None)
        return web.json_response(body, status=status) if body is not None else web.Response(status=status)


class Stage:
    """Of the contract, for who only listens: see testing.contracts.notifiers."""

    def __init__(self, there: Loopback, notifier: Any, target: Target, *secrets: str) -> None:
        self.there, self.notifier, self.target, self.secrets = there, notifier, target, secrets

    async def close(self) -> None:
        await self.notifier.close()
        await self.there.close()

    def received(self) -> int:
        return len(self.there.asked)

    def answer(self, status: int, headers: dict[str, str]) -> None:
        self.there.refusal = (status, headers)

    async def vanish(self) -> None:
        await self.there.close()
