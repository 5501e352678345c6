"""A proxy before a registry that may be slow, full, or lie; a rule changes an answer or makes one up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from tests.adapters.registries.server import HOSTS

Rule = Callable[[web.Request, web.Response], Awaitable[web.Response | None]]
HOP = {"transfer-encoding", "connection", "content-length", "content-encoding"}


class Proxy:
    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.rule: Rule | None = None  # request, true answer -> another answer
        self.refuse: Callable[[web.Request], web.Response | None] = lambda request: None
        self.held = asyncio.Event()  # something is being held up
        self.go_on = asyncio.Event()
        self.hold: Callable[[web.Request], bool] = lambda request: False
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.hold(request):
            self.held.set()
            await self.go_on.wait()
        if refused := self.refuse(request):
            return refused
        true = await self._true(request)
        return (await self.rule(request, true) if self.rule else None) or true

    async def _true(self, request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            url = f"{self.behind}{request.raw_path}"
            body = await request.read()
            async with session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                left = HOP - {"content-length"} if request.method == "HEAD" else HOP
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in left}
                return web.Response(status=answer.status, headers=kept, body=await answer.read())


@asynccontextmanager
async def proxied(behind: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(behind)
    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", proxy.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    proxy.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    HOSTS.add(proxy.url.removeprefix("http://"))
    try:
        yield proxy
    finally:
        proxy.go_on.set()
        await runner.cleanup()
