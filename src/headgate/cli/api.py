"""The client of the HTTP API.

HTTP/1.0 over a socket, answers read to their end: a rollback must not wait for `http.client` to be imported (50 ms).
"""

import json
import socket
from collections.abc import Iterator
from typing import IO, Any

from headgate.cli.failure import USAGE, Failure
from headgate.cli.folder import data_folder, no_server, server_address, token

CONNECT = 5.0  # seconds
ANSWER = 60.0  # seconds; making a release copies its source
LARGEST_ANSWER = 64 << 20  # bytes
LONGEST_LINE = 1 << 20  # bytes
STATUS = "`headgate status` shows whether it was carried out."
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Api:
    def __init__(self, data: str | None) -> None:
        self.folder = data_folder(data)
        self._address = server_address(self.folder)
        self._token = token(self.folder)

    def get(self, path: str, timeout: float = ANSWER) -> dict[str, Any]:
        return self._asked("GET", path, None, timeout)

    def post(self, path: str, body: dict[str, Any], timeout: float = ANSWER) -> dict[str, Any]:
        return self._asked("POST", path, body, timeout)

    def lines(self, path: str) -> Iterator[str]:
        """Text as it comes, without end where the server has none."""
        try:
            status, stream = self._open("GET", path, None, timeout=None)
            with stream:
                if status != 200:
                    raise _refusal(status, _json(stream.read(LARGEST_ANSWER)), self._address)
                while line := stream.readline(LONGEST_LINE):
                    yield line.decode("utf-8", "replace").rstrip("\n")
        except (OSError, ValueError) as error:
            raise self._broken_off(error) from error

    def parts(self, path: str) -> Iterator[bytes]:
        """A file as it is, piece by piece."""
        try:
            status, stream = self._open("GET", path, None, ANSWER)
            with stream:
                if status != 200:
                    raise _refusal(status, _json(stream.read(LARGEST_ANSWER)), self._address)
                while part := stream.read(LONGEST_LINE):
                    yield part
        except (OSError, ValueError) as error:
            raise self._broken_off(error) from error

    def _asked(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> dict[str, Any]:
        try:
            status, stream = self._open(method, path, body, timeout)
            with stream:
                answer = _json(stream.read(LARGEST_ANSWER))
        except TimeoutError as error:
            raise Failure(f"the server did not answer within {timeout:.0f} s", self._address, STATUS) from error
        except (OSError, ValueError) as error:
            raise self._broken_off(error) from error
        if status != 200 or not isinstance(answer, dict):
            raise _refusal(status, answer, self._address)
        return answer

    def _broken_off(self, error: Exception) -> Failure:
        return Failure(f"the server's answer broke off: {error}", self._address, STATUS)

    def _open(
        self, method: str, path: str, body: dict[str, Any] | None, timeout: float | None
    ) -> tuple[int, IO[bytes]]:
        """The status, and a stream of the content. `timeout` is for each read; None: for ever."""
        content = json.dumps(body).encode() if body is not None else b""
        head = [f"{method} {path} HTTP/1.0", f"Host: {self._address.partition('://')[2]}"]
        head += [f"Authorization: Bearer {self._token}", f"Content-Length: {len(content)}"]
        head += ["User-Agent: headgate"]
        head += ["Content-Type: application/json"] if content else []
        with self._connect() as connection:  # the stream keeps it open
            connection.settimeout(timeout)
            # A server that is gone must be an error here, not a signal.
            connection.sendall("\r\n".join([*head, "", ""]).encode() + content, getattr(socket, "MSG_NOSIGNAL", 0))
            stream = connection.makefile("rb")
        try:
            return _status(stream), stream
        except (OSError, ValueError):
            stream.close()
            raise

    def _connect(self) -> socket.socket:
        host, _, port = self._address.partition("://")[2].rpartition(":")
        host = host.strip("[]")
        connection = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(CONNECT)
        try:
            connection.connect((host, int(port)))
        except ConnectionResetError as error:  # someone listens, and hung up at once
            connection.close()
            raise self._broken_off(error) from error
        except (OSError, ValueError) as error:
            connection.close()
            raise no_server(f"{self._address} ({error})") from error
        return connection


def path(*parts: str, **query: object) -> str:
    """Below /api/applications, every part quoted: names that people type are not paths."""
    for part in parts:
        if "/" in part or not part:
            raise Failure(f"{part!r} is not a name", "", "`headgate status` shows the names there are.", USAGE)
    asked = "&".join(f"{name}={quoted(str(value))}" for name, value in query.items() if value is not None)
    return "/".join(["/api/applications", *map(quoted, parts)]) + (f"?{asked}" if asked else "")


def quoted(text: str) -> str:
    sent = text.encode("utf-8", "surrogateescape")
    if text in (".", ".."):
        return text.replace(".", "%2E")
    return "".join(chr(one) if one in UNRESERVED else f"%{one:02X}" for one in sent)


def _status(stream: IO[bytes]) -> int:
    """Reads the head up to the content."""
    words = stream.readline(LONGEST_LINE).split()
    while stream.readline(LONGEST_LINE).strip():
        pass
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("it is not HTTP")
    return int(words[1])


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _refusal(status: int, answer: Any, address: str) -> Failure:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        remedy = "Is it a Headgate server of the same version? `headgate serve` starts one."
        return Failure(f"the answer cannot be understood (HTTP status {status})", address, remedy)
    what, where, remedy = (str(error.get(name, "")) for name in ("what", "where", "remedy"))
    listed = error.get("problems")
    problems = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return Failure(what, where, remedy, problems=problems)
