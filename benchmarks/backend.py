"""`python backend.py PORT VERSION`: answers every request with its version, as cheaply as Python can."""

import asyncio
import sys


class Answer(asyncio.Protocol):
    reply = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        """Requests have no bodies here: each ends with its headers."""
        *whole, self.rest = (self.rest + data).split(b"\r\n\r\n")
        if whole:
            self.transport.write(self.reply * len(whole))  # type: ignore[attr-defined]


async def main(port: int, version: str) -> None:
    body = version.encode()
    Answer.reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
