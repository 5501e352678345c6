"""A real Envoy with tiny aiohttp servers behind it and an aiohttp client before it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
from aiohttp import web

from headgate.adapters.traffic.envoy import EnvoyRouter, EnvoySettings
from headgate.testing.contracts.traffic import Answer


class EnvoyStage:
    def __init__(self, settings: EnvoySettings) -> None:
        self.settings = settings
        self.router = EnvoyRouter(settings)
        self.instances: dict[str, web.AppRunner] = {}  # address -> server
        self.client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def instance(self, name: str, takes: timedelta = timedelta(0)) -> str:
        async def answer(request: web.Request) -> web.Response:
            await asyncio.sleep(float(request.query.get("takes", takes.total_seconds())))
            received = {key.lower(): ",".join(request.headers.getall(key)) for key in request.headers}
            status = int(request.query.get("status", 200))
            return web.json_response({"by": name, "received": received}, status=status)

        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{rest:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        self.instances[f"{host}:{port}"] = runner
        return f"{host}:{port}"

    async def ask(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        method: str = "GET",
        data: bytes | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        async with self.client.request(method, url, headers=sent, data=data) as answer:
            text = await answer.text()
            body = await answer.json() if answer.content_type == "application/json" else {}
            cookies_set = {name: one.value for name, one in answer.cookies.items()}
        return Answer(answer.status, body.get("by", ""), cookies_set, body.get("received", {}), text)

    async def restart(self) -> None:
        await self.router.close()
        self.router = EnvoyRouter(self.settings)

    def free_port(self) -> int:
        return free_port()

    async def close(self) -> None:
        await self.client.close()
        await self.router.close(stop=True)
        await asyncio.gather(*(one.cleanup() for one in self.instances.values()))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def staged(folder: Path, silence: timedelta = timedelta(seconds=6)) -> AsyncIterator[EnvoyStage]:
    made = EnvoyStage(EnvoySettings(folder / "envoy", silence=silence))
    try:
        yield made
    finally:
        await made.close()
