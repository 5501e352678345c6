"""Images made of a root file system, and an end to all that came of them: for demos and tests, which pull nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from headgate.adapters.docker_engine import DockerEngine, EngineRefused
from headgate.adapters.docker_images import DockerImages
from headgate.ports import Access, AdapterError

CHUNK = 1 << 20  # bytes
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


async def import_root(
    engine: DockerEngine, name: str, tar: bytes | AsyncIterator[bytes], changes: Sequence[str]
) -> str:
    """`name` with its tag; `changes`: lines of a Dockerfile that say how it runs. Returns the image's id."""
    repository, _, tag = name.rpartition(":")
    query: Any = {"fromSrc": "-", "repo": repository, "tag": tag, "changes": list(changes)}
    async with engine.open("POST", "/images/create", query, tar) as answer:
        told = json.loads((await answer.text()).strip().splitlines()[-1])
    if "status" not in told:
        raise AdapterError(f"Docker did not import {name}: {told.get('error', told)}")
    return str(told["status"])


class DockerRoots:
    """All that is made of its images inherits its label: images by builds, containers by their images."""

    def __init__(self, label: str) -> None:
        self._label = label

    async def make(self, tar: Path, name: str, changes: Sequence[str]) -> str:
        """Returns the image's id."""
        engine = DockerEngine()
        try:
            return await import_root(engine, name, _content(tar), [f"LABEL {self._label}", *changes])
        finally:
            await engine.close()

    async def push(self, image: str, name: str) -> None:
        """To the registry that the name begins with."""
        repository, _, tag = name.rpartition(":")
        await DockerImages().push(image, Access(repository), tag)

    async def clear(self) -> None:
        """No container and no image with the label is left. Raises AdapterError."""
        engine = DockerEngine()
        try:
            async with asyncio.timeout(LONGEST):
                while left := [*await self._labelled(engine, "containers"), *await self._labelled(engine, "images")]:
                    for path in left:
                        await _removed(engine, path)
                    await asyncio.sleep(AGAIN)
        except TimeoutError as error:
            raise AdapterError(f"Docker did not remove all with the label {self._label}") from error
        finally:
            await engine.close()

    async def _labelled(self, engine: DockerEngine, kind: str) -> list[str]:
        query = {"all": "1", "filters": json.dumps({"label": [self._label]})}
        found = await engine.json("GET", f"/{kind}/json", query)
        return [f"/{kind}/{name}" for one in found for name in _names(one)]


def _names(found: dict[str, Any]) -> list[str]:
    """An image with a tag is removed by its tags: an older engine tells of one without any as below."""
    return [tag for tag in found.get("RepoTags") or () if tag != "<none>:<none>"] or [found["Id"]]


async def _removed(engine: DockerEngine, path: str) -> None:
    try:
        await engine.json("DELETE", path, {"force": "1"}, accept=IN_USE)
    except EngineRefused as error:
        if error.status < 500:  # two builds that let go of one layer at once
            raise


async def _content(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as stream:
        while part := await asyncio.to_thread(stream.read, CHUNK):
            yield part
