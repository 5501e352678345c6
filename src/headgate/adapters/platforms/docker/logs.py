"""Output of containers: asked of the engine, which keeps it, and saved in a file when a container goes away."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from headgate.adapters.docker_engine import CHUNK, DockerEngine
from headgate.adapters.machine.logs import worded

HEADER = 8  # bytes before each piece: which stream, three zeros, the length in four bytes
LAST_LINES = 50  # most that are asked for to explain a death
AFTERMATH = 0.2  # seconds after a death in which its last lines may still be written down; no life begins so soon
KEPT_LINES = 2000  # of a container that goes away


async def lines(engine: DockerEngine, container: str, count: int) -> AsyncIterator[str]:
    """The last `count`, of both streams as they came."""
    async for line in _read(engine, container, {"tail": str(count)}):
        yield line


async def new_lines(engine: DockerEngine, container: str, since: float) -> AsyncIterator[str]:
    """Until the container ends. `since` is in seconds of the epoch."""
    async for line in _read(engine, container, {"since": f"{since:.9f}", "follow": "1"}):
        yield line


async def _read(engine: DockerEngine, container: str, query: Mapping[str, str]) -> AsyncIterator[str]:
    rest, both = b"", {"stdout": "1", "stderr": "1", **query}
    async with engine.open("GET", f"/containers/{container}/logs", both, endless="follow" in query) as answer:
        async for piece in pieces(answer.content.iter_chunked(CHUNK)):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


async def pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What was written, out of its frames. A frame may begin and end anywhere in a chunk."""
    held = b""
    async for chunk in chunks:
        held += chunk
        while len(held) >= HEADER and len(held) >= (end := HEADER + int.from_bytes(held[4:HEADER], "big")):
            yield held[HEADER:end]
            held = held[end:]


async def last_words(engine: DockerEngine, container: str, died_before: str | None) -> str:
    """Of this life of the container. When it began is of no use: the engine notes that after the first lines."""
    since = {} if died_before is None else {"since": f"{float(seconds(died_before)) + AFTERMATH:.9f}"}
    query = {"tail": str(LAST_LINES), **since}
    return worded([line async for line in _read(engine, container, query)])


def seconds(moment: str) -> str:
    """2026-01-02T03:04:05.123456789Z, more digits than a datetime has, as seconds with nine digits behind them."""
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    begin = datetime.fromisoformat(f"{whole}+00:00")
    return f"{int(begin.timestamp())}.{fraction:0<9.9}"
