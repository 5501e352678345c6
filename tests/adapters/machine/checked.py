"""A small service that does as a test wants, and jobs that ask it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from headgate.model.checks import Check, Job
from headgate.model.ids import EnvironmentId, JobId, RevisionId


@dataclass
class Shop:
    """Answers at once, but not between two moments of the loop's clock: what comes then waits for the end."""

    url: str = ""
    stops: tuple[float, float] = (0.0, 0.0)  # seconds after the first request
    fails_every: int = 0
    asked: list[str] = field(default_factory=list)
    began: float | None = None

    async def answer(self, request: web.Request) -> web.Response:
        now = asyncio.get_running_loop().time()
        self.began = self.began or now
        self.asked.append(request.path)
        begin, end = (self.began + one for one in self.stops)
        if begin <= now < end:
            await asyncio.sleep(end - now)
        if self.fails_every and len(self.asked) % self.fails_every == 0:
            return web.Response(status=503, text="no")
        if request.path == "/slow":
            await asyncio.sleep(0.3)
        body = {"total": 3, "exact": True, "quotes": [{"insurer": "Bramble"}], "said": await request.text()}
        return web.json_response(body, headers={"X-Kind": "quotes"})


@asynccontextmanager
async def open_shop(**how: Any) -> AsyncIterator[Shop]:
    shop = Shop(**how)
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", shop.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        shop.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield shop
    finally:
        await runner.cleanup()


def job(check: Check, url: str, **others: str) -> Job:
    services = {"web": url, **others}
    return Job(JobId("rol_1-2-1"), EnvironmentId("pcw/staging"), RevisionId("rev_1"), check, services, {})
