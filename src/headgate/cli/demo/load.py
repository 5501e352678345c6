"""The load generator, a process of its own: `python -m headgate.cli.demo.load --help`.

Open loop: requests leave at a constant rate whatever the answers do, and an answer's latency counts from the moment
its request was due, so that a stall shows in full. It ends by itself: after --seconds, or when its stdin closes.
"""

import argparse
import asyncio
import json
import random
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import aiohttp

from headgate.cli.demo.answers import COLUMNS, Answer, quantile

COOKIE = "headgate-visitor"
PAGES = ("/", "/motor")
PAGE_SHARE = 0.2  # of the requests; the rest are enquiries
ANSWER = 10.0  # seconds; after that a visitor has given up
JOIN = 0.002  # seconds; requests that are due this close together leave together
MOST_BEHIND = 2.0  # seconds of traffic that may be without answer; what is due beyond that counts as failed


@dataclass(slots=True)
class Visitor:
    number: int
    cookies: dict[str, str] = field(default_factory=dict)

    def header(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    def keep(self, received: Sequence[str]) -> None:
        for one in received:
            name, _, value = one.partition(";")[0].strip().partition("=")
            self.cookies[name] = value


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent."""

    address: str
    rate: float  # requests a second
    seconds: float
    bodies: tuple[bytes, ...]
    visitors: int


class Load:
    def __init__(self, order: Order, session: aiohttp.ClientSession, record: TextIO) -> None:
        self.order = order
        self.stopped = asyncio.Event()
        self._session = session
        self._record = record
        self._visitors = [Visitor(number) for number in range(order.visitors)]
        self._chance = random.Random()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: list[Answer] = []  # of the current second
        self._sent = 0
        self._epoch = time.time() - time.monotonic()

    async def run(self) -> None:
        telling = asyncio.create_task(self._tell_every_second())
        await self._send_all()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ANSWER + 1)
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        self._tell()

    async def _send_all(self) -> None:
        begun, number, order = time.monotonic(), 0, self.order
        while not self.stopped.is_set() and number < order.rate * order.seconds:
            now = time.monotonic()
            while (due := begun + number / order.rate) <= now:
                self._send(due)
                number += 1
            await asyncio.sleep(max(due - now, JOIN))

    def _send(self, due: float) -> None:
        visitor = self._chance.choice(self._visitors)
        page = self._chance.choice(PAGES) if self._chance.random() < PAGE_SHARE else "/api/quotes"
        self._sent += 1
        if len(self._tasks) >= MOST_BEHIND * self.order.rate:
            self._note(Answer(due + self._epoch, 0.0, 0, page, visitor.number, "not sent: too many wait for answers"))
            return
        task = asyncio.create_task(self._ask(due, visitor, page))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, due: float, visitor: Visitor, page: str) -> None:
        status, error = 0, ""
        try:
            status = await self._answered(visitor, page)
        except TimeoutError:
            error = f"no answer within {ANSWER:.0f} s"
        except (aiohttp.ClientError, OSError) as wrong:
            error = type(wrong).__name__
        late = (time.monotonic() - due) * 1000
        self._note(Answer(due + self._epoch, late, status, page, visitor.number, error))

    async def _answered(self, visitor: Visitor, page: str) -> int:
        """The status, once the whole answer is there."""
        headers, body = visitor.header(), None
        if page == "/api/quotes":
            body = self._chance.choice(self.order.bodies)
            headers["Content-Type"] = "application/json"
        where = self.order.address + page
        async with self._session.request("POST" if body else "GET", where, data=body, headers=headers) as answer:
            await answer.read()
            visitor.keep(answer.headers.getall("Set-Cookie", ()))
            return answer.status

    def _note(self, answer: Answer) -> None:
        self._answers.append(answer)

    async def _tell_every_second(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._tell()

    def _tell(self) -> None:
        """The record gets every answer, standard output this second's figures."""
        answers, self._answers = self._answers, []
        self._record.writelines(answer.line() for answer in answers)
        self._record.flush()
        late = sorted(answer.ms for answer in answers if answer.status)
        figures = {
            "at": time.time(),
            "sent": self._sent,
            "answered": len(late),
            "bad": sum(answer.bad for answer in answers),
            "waiting": len(self._tasks),
            "p50_ms": quantile(late, 0.50),
            "p99_ms": quantile(late, 0.99),
        }
        self._sent = 0
        try:
            print(json.dumps(figures), flush=True)
        except OSError:
            self.stopped.set()  # nobody listens any more


async def send(order: Order, record: TextIO) -> None:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=ANSWER)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout
    ) as session:
        session._retry_connection = False  # noqa: SLF001 - a request that is quietly sent again would hide a failure
        load = Load(order, session, record)
        loop = asyncio.get_running_loop()
        threading.Thread(target=_until_stdin_closes, args=(loop, load.stopped), daemon=True).start()
        await load.run()


def _until_stdin_closes(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """The demo holds the other end, also when it is killed."""
    sys.stdin.buffer.read()
    with suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(stopped.set)


def main() -> None:
    parser = argparse.ArgumentParser(description="Send real traffic to the price comparison.")
    parser.add_argument("--address", required=True, help="of web, such as http://127.0.0.1:20100")
    parser.add_argument("--enquiries", required=True, type=Path, help="file with a request body in each line")
    parser.add_argument("--record", required=True, type=Path, help="file that gets a line for each answer")
    parser.add_argument("--rate", type=float, default=100, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--visitors", type=int, default=4000)
    given = parser.parse_args()
    bodies = tuple(given.enquiries.read_bytes().splitlines())
    order = Order(given.address.rstrip("/"), given.rate, given.seconds, bodies, given.visitors)
    with given.record.open("w", encoding="utf-8") as record:
        record.write(f"{','.join(COLUMNS)}\n")
        _run(order, record)


def _run(order: Order, record: TextIO) -> None:
    try:
        import uvloop  # comes with the example, and leaves it more of the machine
    except ImportError:
        asyncio.run(send(order, record))
    else:
        uvloop.run(send(order, record))


if __name__ == "__main__":
    main()
