"""What instances print, read from the cluster, and followed through restarts and new pods."""

import asyncio
from collections.abc import AsyncIterator

from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.platforms.kubernetes.place import Place
from headgate.adapters.platforms.kubernetes.pods import MAIN
from headgate.adapters.platforms.kubernetes.sight import Sight
from headgate.ports import AdapterError

AGAIN = 1.0  # seconds, until a pod that ended or came is looked for
WAITING = 1000  # lines, that a slow reader is given time for


async def read(
    cluster: Cluster, place: Place, sight: Sight, service: str | None, lines: int, follow: bool
) -> AsyncIterator[str]:
    if not follow:
        for pod, prefix in _pods(sight, service):
            try:
                async for line in cluster.lines(place.namespace, pod, {"container": MAIN, "tailLines": str(lines)}):
                    yield f"{prefix}{line}"
            except AdapterError as error:
                yield f"{prefix}({error})"
        return
    async for line in _followed(cluster, place, sight, service, lines):
        yield line


async def _followed(
    cluster: Cluster, place: Place, sight: Sight, service: str | None, lines: int
) -> AsyncIterator[str]:
    found: asyncio.Queue[str] = asyncio.Queue(WAITING)
    readers: dict[str, asyncio.Task[None]] = {}

    async def follow(pod: str, prefix: str, tail: int) -> None:
        query = {"container": MAIN, "tailLines": str(tail), "follow": "true"}
        try:
            async for line in cluster.lines(place.namespace, pod, query):
                await found.put(f"{prefix}{line}")
        except AdapterError:
            await asyncio.sleep(AGAIN)  # it has not begun yet, or goes: looked for again while it is there

    try:
        while True:
            for pod, prefix in _pods(sight, service):
                task = readers.get(pod)
                if task is None or task.done():
                    tail = lines if task is None else 0
                    readers[pod] = asyncio.create_task(follow(pod, prefix, tail))
            try:
                async with asyncio.timeout(AGAIN):
                    line = await found.get()
            except TimeoutError:
                continue
            yield line
    finally:
        for task in readers.values():
            task.cancel()


def _pods(sight: Sight, service: str | None) -> list[tuple[str, str]]:
    every = [one for one in sight.instances() if not one.id.rpartition("-missing-")[1]]
    return [(one.id, f"{one.service} {one.id} | ") for one in every if service in (None, one.service)]
