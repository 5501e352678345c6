"""A bounded stream of requests on loopback: every answer is counted, none is retried, none is left out."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

RATE = 200  # requests a second, sent at their time whatever the answers do
POST_EVERY = 4  # every fourth may not be sent twice, so that nobody's retry hides what happened to it
TIMEOUT = 10.0  # seconds
MOST = 20_000  # requests of one test


@dataclass(frozen=True, slots=True)
class Answer:
    sent: float  # monotonic seconds
    done: float
    method: str
    status: int  # 0: none came
    version: str  # of the service that answered
    revision: str
    error: str = ""

    @property
    def failed(self) -> bool:
        return self.status != 200

    def __str__(self) -> str:
        took = (self.done - self.sent) * 1000
        return f"{self.method} {self.status or self.error} from {self.version or 'nobody'} after {took:.0f} ms"


class Load:
    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: list[Answer] = []
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._asking: set[asyncio.Task[Answer]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._flow())

    async def stop(self) -> None:
        """Everything that was sent is waited for."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await asyncio.gather(*self._asking)
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _flow(self) -> None:
        begin, number = monotonic(), 0
        while number < MOST:
            number += 1
            self.send("POST" if number % POST_EVERY == 0 else "GET")
            await asyncio.sleep(max(begin + number / RATE - monotonic(), 0))

    def send(self, method: str = "GET", takes: float = 0.0) -> "asyncio.Task[Answer]":
        task = asyncio.create_task(self._ask(method, f"/?takes={takes:g}" if takes else "/"))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return task

    async def _ask(self, method: str, path: str) -> Answer:
        sent, status, body, error = monotonic(), 0, {"version": "", "revision": ""}, ""
        try:
            async with asyncio.timeout(TIMEOUT):
                status, body = await self._exchange(method, path)
        except (OSError, EOFError, ValueError, TimeoutError) as problem:
            error = str(problem) or type(problem).__name__
        answer = Answer(sent, monotonic(), method, status, body["version"], body["revision"], error)
        self.answers.append(answer)
        return answer

    async def _exchange(self, method: str, path: str) -> tuple[int, dict[str, str]]:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
            body = await reader.readexactly(int(length.partition(":")[2]))
        except BaseException:
            writer.close()
            raise
        if "connection: close" in head:
            writer.close()
        else:
            self._idle.append((reader, writer))
        status = int(head.split()[1])
        return status, json.loads(body) if body.startswith(b"{") else {"version": "", "revision": ""}

    # --- what came of it

    def failed(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.failed]

    def sent_between(self, start: float, end: float) -> list[Answer]:
        return [answer for answer in self.answers if start <= answer.sent < end]

    def longest_silence(self, start: float, end: float) -> float:
        """Seconds without one good answer, at most, between two moments."""
        good = sorted(answer.done for answer in self.answers if not answer.failed and start <= answer.done <= end)
        moments = [start, *good, end]
        return max(later - earlier for earlier, later in itertools.pairwise(moments))

    def lines(self) -> Iterator[str]:
        yield f"{len(self.answers)} requests, {len(self.failed())} failed"
        for words, count in Counter(f"{a.method} {a.status or a.error} {a.version}" for a in self.answers).most_common(
            20
        ):
            yield f"  {count} x {words}"
