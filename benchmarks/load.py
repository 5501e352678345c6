"""`python -m benchmarks.load PORT RATE LIMIT FILE`: an open loop of requests over keep-alive connections.

A process of its own, so that nothing the driver does delays a timestamp. A request is due every 1/RATE seconds whatever
the answers; it ends when its standard input does, or after LIMIT requests. FILE then holds the Record of every request.
"""

import gc
import select
import socket
import sys
from array import array
from pathlib import Path
from time import monotonic

CONNECTIONS = 32
MOST_CONNECTIONS = 256  # what is due beyond these waits, and its waiting counts as latency
PATIENCE = 2.0  # seconds without an answer are a failure
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: benchmark\r\nUser-Agent: benchmark\r\n\r\n"
FAILED = 0.0  # instead of a version


class Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due: float | None = None  # when the request under way should have been sent; None: idle
        self.sent = 0.0  # when it was
        self.data = b""

    def answer(self) -> tuple[int, bool] | None:
        """(version, whether the connection stays open) once the answer is whole; 0 for anything but a good one."""
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.data[:end].lower()
        length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        if len(self.data) < end + 4 + length:
            return None
        good = head.startswith(b"http/1.1 200") and length
        return (self.data[end + 4] if good else 0), b"\r\nconnection: close" not in head


class Load:
    """Records are triples of doubles: due, answered (both monotonic seconds), version (its character, or FAILED)."""

    def __init__(self, port: int, rate: float, limit: int) -> None:
        self.port, self.rate, self.limit = port, rate, limit
        self.records = array("d")
        self.poll = select.epoll()
        self.idle: list[Connection] = []
        self.by_fd: dict[int, Connection] = {}
        self.sent = 0

    def run(self) -> None:
        for _ in range(CONNECTIONS):
            self.idle.append(self._open())
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        print("flowing", flush=True)
        self.start = self.swept = monotonic()
        told_to_end = False
        while not told_to_end and self.sent < self.limit:
            told_to_end = self._wait(0.001)
            self._send_what_is_due()
            self._give_up_on_late_ones()
        end = monotonic() + PATIENCE
        while any(one.due for one in self.by_fd.values()) and monotonic() < end:
            self._wait(0.01)
        for one in self.by_fd.values():
            self._record(one, FAILED)

    def _wait(self, seconds: float) -> bool:
        """True when the driver has closed our standard input."""
        ended = False
        for fd, _ in self.poll.poll(seconds):
            if fd == sys.stdin.fileno():
                self.poll.unregister(fd)
                ended = True
            elif fd in self.by_fd:
                self._receive(self.by_fd[fd])
        return ended

    def _send_what_is_due(self) -> None:
        now = monotonic()
        while self.sent < self.limit and (due := self.start + self.sent / self.rate) <= now:
            if not self.idle and len(self.by_fd) >= MOST_CONNECTIONS:
                break
            self.sent += 1
            try:
                one = self.idle.pop() if self.idle else self._open()
            except OSError:
                self.records.extend((due, monotonic(), FAILED))
                continue
            one.due, one.sent = due, now
            try:
                one.socket.send(REQUEST)
            except OSError:
                self._drop(one)

    def _receive(self, one: Connection) -> None:
        try:
            data = one.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        one.data += data
        if not data:
            self._drop(one)  # an idle one costs nothing, one with a request under way is a failure
        elif (answer := one.answer()) is not None:
            version, stays = answer
            self._record(one, float(version))
            one.data = b""
            if stays:
                self.idle.append(one)
            else:
                self._drop(one)

    def _give_up_on_late_ones(self) -> None:
        now = monotonic()
        if now - self.swept < 0.5:
            return
        self.swept = now
        for one in list(self.by_fd.values()):
            if one.due is not None and now - one.sent > PATIENCE:
                self._drop(one)

    def _open(self) -> Connection:
        one = Connection(self.port)
        self.by_fd[one.socket.fileno()] = one
        self.poll.register(one.socket.fileno(), select.EPOLLIN)
        return one

    def _drop(self, one: Connection) -> None:
        self._record(one, FAILED)
        self.poll.unregister(one.socket.fileno())
        del self.by_fd[one.socket.fileno()]
        if one in self.idle:
            self.idle.remove(one)
        one.socket.close()

    def _record(self, one: Connection, version: float) -> None:
        if one.due is not None:
            self.records.extend((one.due, monotonic(), version))
            one.due = None


def main(port: int, rate: float, limit: int, file: Path) -> None:
    gc.disable()  # bounded by LIMIT, and a pause here would look like a pause of the proxy
    load = Load(port, rate, limit)
    load.run()
    with file.open("wb") as out:
        load.records.tofile(out)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
