"""Images of a Docker Engine: build one from a folder, find it, name it, push it.

Shared by the image store and the registries: what is pushed is what the engine built.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from headgate.adapters.docker_engine import (
    DockerEngine,
    EngineRefused,
    EngineUnreachable,
    error_in,
    login,
    messages,
)
from headgate.model.services import PLAIN, Dockerfile
from headgate.ports import Access, AdapterError

BUILDING = timedelta(minutes=30)  # for one image
PUSHING = timedelta(minutes=15)  # for one image
SAVING = timedelta(minutes=10)  # one image, with all its layers
PULLING = timedelta(minutes=4)  # for one image: a step must have begun within 5; what was loaded stays for the next try
CHUNK = 1 << 20  # bytes of a context
FULL = re.compile(r"\b(?:500|507)\b|no space|quota")  # what registries say with no room left
# What is said of a build whose engine is stopped in the middle: nothing is wrong with what was built.
BROKEN_OFF = re.compile(r"context cancel|code = (?:Canceled|Unavailable)|transport is closing|no space left on device")
TOLD = 12  # last lines of output that an error may repeat


class BuildFailed(AdapterError):
    """The engine did not build it: `step` is the Dockerfile's, where it is known."""

    def __init__(self, why: str, step: str, output: tuple[str, ...]) -> None:
        super().__init__(why)
        self.step = step
        self.output = output


class DockerImages:
    def __init__(self, host: str | None = None, pushing: timedelta = PUSHING) -> None:
        """`host` as in DOCKER_HOST, which counts where none is given."""
        self._host = host
        self._pushing = pushing

    async def build(self, context: Path, labels: Mapping[str, str], how: Dockerfile = PLAIN) -> str:
        """`context`: a tar. Returns the image's id. BuildKit is used where the engine recommends it."""
        query = {"labels": json.dumps(labels), "rm": "1", "forcerm": "1", "dockerfile": how.path}
        query |= {"target": how.target} if how.target else {}
        query |= {"buildargs": json.dumps(how.args)} if how.args else {}
        tar = {"Content-Type": "application/x-tar"}
        async with self._engine(BUILDING, "build an image") as engine:
            version = await _builder(engine)
            try:
                async with engine.open(
                    "POST", "/build", {**query, "version": version}, _content(context), tar, endless=True
                ) as answer:
                    return await _built(messages(answer))
            except EngineRefused as error:
                raise BuildFailed(str(error), "", ()) from error

    async def push(self, image: str, access: Access, tag: str) -> str:
        """Returns the digest that the engine says it pushed."""
        named = {"repo": access.name, "tag": tag}
        path = f"/images/{quote(access.name, safe='/:')}/push"
        async with self._engine(self._pushing, f"push to {access.name}") as engine:
            await engine.json("POST", f"/images/{quote(image, safe=':')}/tag", named)
            header = {"X-Registry-Auth": login(access)}
            async with engine.open("POST", path, {"tag": tag}, headers=header, endless=True) as answer:
                return await _pushed(messages(answer), access.name)

    async def bring(self, image: str) -> None:
        """Have it on the engine: what is there is taken as it is, else it is pulled, without a login."""
        if ".." in image:
            raise AdapterError(f"{image!r} names no image: write NAME:TAG or NAME@sha256:DIGEST")
        async with self._engine(PULLING, f"pull the image {image}; try `docker pull {image}`") as engine:
            try:
                await engine.json("GET", f"/images/{image}/json")
                return
            except EngineRefused as error:
                if error.status != 404:
                    raise
            await _pull(engine, image)

    async def save(self, image: str, to: Path, most: int) -> None:
        """The image with all its layers, as a tar of at most so many bytes. Nothing is pulled."""
        if ".." in image or not image:
            raise AdapterError(f"{image!r} names no image: write NAME:TAG, NAME@sha256:DIGEST or an id")
        path, size = f"/images/{quote(image, safe='/:@')}/get", 0
        async with self._engine(SAVING, f"save the image {image}") as engine:
            with await asyncio.to_thread(to.open, "wb") as stream:
                async for part in _parts(engine, path):
                    if (size := size + len(part)) > most:
                        raise AdapterError(f"the image {image} is larger than {most >> 20} MiB")
                    await asyncio.to_thread(stream.write, part)

    @asynccontextmanager
    async def _engine(self, patience: timedelta, what: str) -> AsyncIterator[DockerEngine]:
        """Connections of its own: closing them is how a build or a push that nobody waits for any more is ended."""
        engine = DockerEngine(self._host)
        try:
            async with asyncio.timeout(patience.total_seconds()):
                yield engine
        except TimeoutError as error:
            raise AdapterError(f"Docker did not {what} within {patience.total_seconds():g} s") from error
        finally:
            await engine.close()


async def _parts(engine: DockerEngine, path: str) -> AsyncIterator[bytes]:
    async with engine.open("GET", path, endless=True) as answer:
        async for part in answer.content.iter_chunked(CHUNK):
            yield part


async def _pull(engine: DockerEngine, image: str) -> None:
    name, tag = _named(image)
    try:
        async with engine.open("POST", "/images/create", {"fromImage": name, "tag": tag}, endless=True) as answer:
            async for message in messages(answer):
                if why := error_in(message):
                    raise AdapterError(why)
    except EngineUnreachable:
        raise
    except AdapterError as error:
        remedy = f"Bring it here (docker login, docker pull {image}, or docker load), or correct the name"
        raise AdapterError(f"the image {image} is not here, and cannot be pulled: {error}. {remedy}") from error


def _named(image: str) -> tuple[str, str]:
    """Without a tag the engine would pull all there are."""
    name, _, digest = image.partition("@")
    above, slash, last = name.rpartition("/")
    word, _, tag = last.partition(":")
    return f"{above}{slash}{word}", digest or tag or "latest"


async def _builder(engine: DockerEngine) -> str:
    """2: BuildKit, as the engine recommends it from version 23 on."""
    async with engine.open("GET", "/_ping") as answer:
        return "2" if answer.headers.get("Builder-Version") == "2" else "1"


async def _content(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as stream:
        while part := await asyncio.to_thread(stream.read, CHUNK):
            yield part


async def _built(messages: AsyncIterator[dict[str, Any]]) -> str:
    image, step, why = "", "", ""
    output: list[str] = []
    async for message in messages:
        if text := str(message.get("stream", "")).strip():
            step = text.partition(" : ")[2] if text.startswith("Step ") else step
            output = [*output, text][-TOLD:]
        if (why := error_in(message)) and BROKEN_OFF.search(why):
            break
        if why:
            raise BuildFailed(why, step, tuple(output))
        aux = message.get("aux")
        if isinstance(aux, dict) and "ID" in aux:
            image = str(aux["ID"])
    if not image:
        reason = f" ({why})" if why else ""
        raise AdapterError(f"Docker broke off before the image was built{reason}: see that it runs and has room")
    return image


async def _pushed(messages: AsyncIterator[dict[str, Any]], name: str) -> str:
    digest = ""
    async for message in messages:
        if why := error_in(message):
            full = "; its disk may be full: see its log" if FULL.search(why) else ""
            raise AdapterError(f"{name} did not take it: {why}{full}")
        aux = message.get("aux")
        if isinstance(aux, dict) and "Digest" in aux:
            digest = str(aux["Digest"])
    if not digest:
        raise AdapterError(f"the push to {name} broke off before it was done; repeat the command")
    return digest
