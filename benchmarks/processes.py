"""Processes that a benchmark starts: on free loopback ports, awaited until they answer, ended by their own handle."""

import asyncio
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

BACKEND = Path(__file__).with_name("backend.py")


def free_ports(count: int) -> list[int]:
    """All held at once while they are looked for, so that they differ."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextmanager
def started(
    arguments: Sequence[str], folder: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs until the block ends; what it says goes to NAME.log in the folder."""
    path = folder / f"{Path(arguments[0]).name}.log"
    with path.open("ab") as log:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env=environment
        )
    try:
        yield process
    except BaseException:
        print(path.read_text(errors="replace")[-2000:], file=sys.stderr)
        raise
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def backends(folder: Path) -> Iterator[dict[str, int]]:
    """Version -> port of the backend that answers with it."""
    ports = dict(zip("ab", free_ports(2), strict=True))
    with ExitStack() as stack:
        for version, port in ports.items():
            stack.enter_context(started([sys.executable, str(BACKEND), str(port), version], folder))
        yield ports


async def answering(port: int, seconds: float = 20, version: str | None = None) -> None:
    """Returns once the port answers well, and with that version where one is given."""
    url = f"http://127.0.0.1:{port}/healthz"
    deadline = monotonic() + seconds
    said: object = None
    while True:
        try:
            said = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=2).read().decode())
            if version in (None, said):
                return
        except (OSError, urllib.error.URLError) as error:
            said = error
        if monotonic() > deadline:
            raise RuntimeError(f"port {port} does not answer as it should after {seconds:.0f} s: {said}")
        await asyncio.sleep(0.02)
