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

    async def bring(self, image: str) -> None:
        """One that bears it, from a registry without a login: `image` is NAME:TAG. Raises AdapterError."""
        name, _, tag = image.rpartition(":")
        engine = DockerEngine()
        try:
            async with engine.open("POST", "/images/create", {"fromImage": name, "tag": tag}) as answer:
                told = [json.loads(line) async for line in lines(answer)]
        finally:
            await engine.close()
        if not told or "error" in told[-1]:
            raise AdapterError(f"Docker did not pull {image}: {told[-1]['error'] if told else 'it broke off'}")

    async def clear(self) -> None:
        """No container and no image with the label is left. Raises AdapterError."""
        engine = DockerEngine()
        try:
            async with asyncio.timeout(LONGEST):
                while left := [*await self._found(engine, "containers"), *await self._found(engine, "images")]:
                    for path in left:
                        await _removed(engine, path)
                    await asyncio.sleep(AGAIN)
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
