"""A tiny HTTP service for tests of faults. `behaviour.json` beside it says what it does wrong: a commit is a version.

Ends as a good service does: on SIGTERM it takes no new connection and finishes what it was asked.
"""

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

BEHAVIOUR = {
    "version": "?",
    "ready_after": 0.0,  # seconds until the health path answers well; null: never
    "crash_after": None,  # seconds until it ends with code 3
    "error_share": 0.0,  # of requests that are answered 500
    "fails_while": None,  # path of a file: while it is there, every request is answered 500
    "smoke_takes": 0.0,  # seconds that the health path takes where it is asked through the preview address
} | json.loads(Path(__file__).with_name("behaviour.json").read_text())


class Service:
    def __init__(self) -> None:
        self.started = asyncio.get_running_loop().time()
        self.ending = asyncio.Event()
        self.busy = 0

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = asyncio.ensure_future(self.ending.wait())
        try:
            while not self.ending.is_set():
                head = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
                await asyncio.wait({head, end}, return_when=asyncio.FIRST_COMPLETED)
                if not head.done():
                    head.cancel()
                    break
                await self.exchange(head.result().decode("latin-1"), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            end.cancel()
            writer.close()

    async def exchange(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.busy += 1
        try:
            request, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            await reader.readexactly(int(headers.get("content-length", 0)))
            status = await self.status(urlsplit(request.split()[1]), headers)
            said = {name: os.environ.get(name.upper(), "") for name in ("revision", "port")}
            body = json.dumps({"version": BEHAVIOUR["version"], "pid": os.getpid(), **said}).encode()
            close = "Connection: close\r\n" if self.ending.is_set() else ""
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{close}"
            writer.write(f"{head}\r\n".encode() + body)
            await writer.drain()
        finally:
            self.busy -= 1

    async def status(self, url, headers) -> str:  # type: ignore[no-untyped-def]
        if url.path == "/healthz":
            return await self.health(headers)
        await asyncio.sleep(float(parse_qs(url.query).get("takes", ["0"])[0]))
        spoilt = BEHAVIOUR["fails_while"] and os.path.exists(BEHAVIOUR["fails_while"])
        return "500 Broken" if spoilt or random.random() < BEHAVIOUR["error_share"] else "200 OK"

    async def health(self, headers: dict[str, str]) -> str:
        if headers.get("x-headgate-revision", "").endswith(".preview"):
            await asyncio.sleep(BEHAVIOUR["smoke_takes"])
        wait = BEHAVIOUR["ready_after"]
        late = wait is None or asyncio.get_running_loop().time() - self.started < wait
        return "503 Not yet" if late else "200 OK"


async def main() -> None:
    service = Service()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.ending.set)
    server = await asyncio.start_server(service.connection, "127.0.0.1", int(os.environ["PORT"]), backlog=512)
    print(f"version {BEHAVIOUR['version']} listens on {os.environ['PORT']}", flush=True)
    if BEHAVIOUR["crash_after"] is not None:
        asyncio.get_running_loop().call_later(BEHAVIOUR["crash_after"], crash)
    await service.ending.wait()
    server.close()
    while service.busy:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.02)  # what was written is sent
    print("ends as it was told", flush=True)


def crash() -> None:
    print("cannot open the database: it is somewhere else", file=sys.stderr, flush=True)
    os._exit(3)


asyncio.run(main())
