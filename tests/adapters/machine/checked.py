"""A small service that does as a test wants, jobs that ask it, and a bench to run them on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from headgate.adapters.machine.folders import Folder, private
from headgate.adapters.machine.jobs import Desk, Jobs
from headgate.adapters.machine.readiness import Prober
from headgate.model.checks import Check, Job, JobSeen
from headgate.model.ids import EnvironmentId, JobId, RevisionId

CANARY = "hunter2hunter2"
Answer = Callable[[web.Request], Awaitable[web.Response]]


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
async def serving(paths: Mapping[str, Answer]) -> AsyncIterator[str]:
    """What answers at each path; its URL."""
    application = web.Application()
    for path, answer in paths.items():
        application.router.add_route("*", path, answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def open_shop(**how: Any) -> AsyncIterator[Shop]:
    shop = Shop(**how)
    async with serving({"/{tail:.*}": shop.answer}) as shop.url:
        yield shop


def job(check: Check, url: str, **others: str) -> Job:
    services = {"web": url, **others}
    return Job(JobId("rol_1-2-1"), EnvironmentId("pcw/staging"), RevisionId("rev_1"), check, services, {})


class Bench:
    """The jobs of one environment, and the release that they check."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.release = Folder(private(folder / "own")), folder / "rel_1"
        self.release.mkdir()
        (self.release / "prices.txt").write_text("12.50\n")
        self.prober = Prober()
        self.jobs = self.open()

    def open(self) -> Jobs:
        return Jobs(Desk(self.folder, self.prober, lambda: None, secrets=lambda: [CANARY]))

    def restart(self) -> None:
        self.jobs.close()
        self.jobs = self.open()

    async def ended(self, asked: Job) -> JobSeen:
        await self.jobs.run(asked, self.release)
        return await self.end_of(asked)

    async def end_of(self, asked: Job) -> JobSeen:
        async with asyncio.timeout(30):
            while (seen := self.jobs.seen(asked.id)) is None or seen.state == "running":
                await asyncio.sleep(0.02)
        return seen

    async def ran(self, run: str, url: str = "http://127.0.0.1:1", **fields: Any) -> JobSeen:
        return await self.ended(job(Check("e2e", "run", run, **{"timeout": timedelta(seconds=20), **fields}), url))
