"""All that bears one label in a Docker Engine: an image that the demo brings there, and what came of it."""

import asyncio
import json
from typing import Any

from headgate.adapters.docker_engine import DockerEngine, EngineRefused, lines
from headgate.ports import AdapterError

IN_USE = (404, 409)  # gone already; or something else has to go first
AGAIN = 0.2  # seconds
LONGEST = 30.0  # seconds, until a build that was broken off has let go of what it held


async def engine_info() -> dict[str, Any]:
    """What the engine says of itself. Raises AdapterError where none answers."""
    engine = DockerEngine()
    try:
        return dict(await engine.json("GET", "/info"))
    finally:
        await engine.close()


class DockerLabel:
    """Images inherit it from the one that they are built on, containers from their image."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._cached_before: set[str] | None = None  # by BuildKit, whose cache bears no labels

    async def bring(self, image: str) -> None:
        """One that bears it, from a registry without a login: `image` is NAME:TAG. Raises AdapterError."""
        name, _, tag = image.rpartition(":")
        engine = DockerEngine()
        try:
            self._cached_before = await _cached(engine)
            async with engine.open("POST", "/images/create", {"fromImage": name, "tag": tag}) as answer:
                told = [json.loads(line) async for line in lines(answer)]
        finally:
            await engine.close()
        if not told or "error" in told[-1]:
            raise AdapterError(f"Docker did not pull {image}: {told[-1]['error'] if told else 'it broke off'}")

    async def clear(self) -> None:
        """No container and no image with the label is left, nor what was cached since. Raises AdapterError."""
        engine = DockerEngine()
        try:
            async with asyncio.timeout(LONGEST):
                while left := [*await self._found(engine, "containers"), *await self._found(engine, "images")]:
                    for path in left:
                        await _removed(engine, path)
                    await asyncio.sleep(AGAIN)
                if self._cached_before is not None:
                    await _forget(engine, self._cached_before)
        except TimeoutError as error:
            raise AdapterError(f"Docker did not remove all with the label {self._label}") from error
        finally:
            await engine.close()

    async def _found(self, engine: DockerEngine, kind: str) -> list[str]:
        query = {"all": "1", "filters": json.dumps({"label": [self._label]})}
        found = await engine.json("GET", f"/{kind}/json", query)
        return [f"/{kind}/{name}" for one in found for name in _names(one)]


def _names(found: dict[str, Any]) -> list[str]:
    """An image with tags is removed by them: an older engine tells of one without any as below."""
    return [tag for tag in found.get("RepoTags") or () if tag != "<none>:<none>"] or [found["Id"]]


async def _removed(engine: DockerEngine, path: str) -> None:
    try:
        await engine.json("DELETE", path, {"force": "1"}, accept=IN_USE)
    except EngineRefused as error:
        if error.status < 500:  # else two builds let go of one layer at once: it is looked at again
            raise


async def _cached(engine: DockerEngine) -> set[str]:
    """Ids of what BuildKit keeps. Nobody else has such a cache, and to ask an older engine takes long."""
    async with engine.open("GET", "/_ping") as answer:
        if answer.headers.get("Builder-Version") != "2":
            return set()
    found = await engine.json("GET", "/system/df", {"type": "build-cache"})
    return {one["ID"] for one in found.get("BuildCache") or ()}


async def _forget(engine: DockerEngine, kept: set[str]) -> None:
    """Layers stay on the disk as long as they are cached. What a build of others cached meanwhile goes too."""
    while True:
        freed = 0
        for one in await _cached(engine) - kept:
            query = {"all": "1", "filters": json.dumps({"id": [one]})}
            done = await engine.json("POST", "/build/prune", query)
            freed += len(done.get("CachesDeleted") or ())
        if not freed:
            return
