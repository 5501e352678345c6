"""A second socket of the Docker Engine, at which it is seen how long the engine itself takes for what it is asked."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time

import aiohttp
from aiohttp import web

HOP = {"transfer-encoding", "connection", "content-length", "host"}


@dataclass
class Door:
    behind: Path
    socket: Path
    builds: list[tuple[float, float]] = field(default_factory=list)  # from, to: wall clock
    pushes: list[tuple[float, float]] = field(default_factory=list)

    def spent(self, start: float, end: float) -> float:
        """Seconds in which something was built or pushed; what overlaps counts once."""
        total, reached = 0.0, start
        for begun, ended in sorted([*self.builds, *self.pushes]):
            total += max(min(ended, end) - max(begun, reached), 0.0)
            reached = max(reached, min(ended, end))
        return total

    async def answer(self, request: web.Request) -> web.StreamResponse:
        begun = time()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        body = request.content if request.body_exists else None
        connector = aiohttp.UnixConnector(path=str(self.behind))
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
            url = f"http://docker{request.raw_path}"
            async with session.request(request.method, url, headers=headers, data=body) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
                told = web.StreamResponse(status=answer.status, headers=kept)
                await told.prepare(request)
                async for part in answer.content.iter_any():
                    await told.write(part)
        self._note(request, (begun, time()))
        return told

    def _note(self, request: web.Request, span: tuple[float, float]) -> None:
        if request.method == "POST" and request.path.endswith("/build"):
            self.builds.append(span)
        if request.method == "POST" and request.path.endswith("/push"):
            self.pushes.append(span)


@contextmanager
def door(behind: Path, socket: Path) -> Iterator[Door]:
    """In a thread of its own, until the block ends."""
    made, loop, begun, ended = Door(behind, socket), asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def stand() -> None:
        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", made.answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.UnixSite(runner, str(socket)).start()
        begun.set()
        await ended.wait()
        await runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}  # the engine's events have no end of their own
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(stand()), daemon=True)
    thread.start()
    begun.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
