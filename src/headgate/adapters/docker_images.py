"""Images of a Docker Engine, over its API: build one from a folder, find it, name it, push it.

Shared by the image store and the registries: what is pushed is what the engine built.
"""

import asyncio
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from headgate.ports import Access, AdapterError

USUAL_SOCKET = "/var/run/docker.sock"
VERSION = "v1.41"  # of the API: Docker 20.10 and later
BUILDING = timedelta(minutes=30)  # for one image
PUSHING = timedelta(minutes=15)  # for one image
ASKING = timedelta(seconds=30)
LONGEST_LINE = 4 << 20  # bytes of one message of the engine
TOLD = 12  # last lines of output that an error repeats
REMEDY = "see that Docker runs (`docker info`) and that this user may use its socket"


class BuildFailed(AdapterError):
    """The engine did not build it: `step` is the Dockerfile's, where it is known."""

    def __init__(self, why: str, step: str, output: tuple[str, ...]) -> None:
        super().__init__(why)
        self.step = step
        self.output = output


class DockerImages:
    def __init__(self, socket: Path | None = None) -> None:
        """Without a socket: the one of DOCKER_HOST, or the usual one."""
        self._socket = socket

    async def build(self, context: Path, labels: Mapping[str, str], dockerfile: str = "Dockerfile") -> str:
        """`context`: a tar. Returns the image's id. BuildKit is used where the engine recommends it."""
        query = {"dockerfile": dockerfile, "labels": json.dumps(labels), "rm": "1", "forcerm": "1", "pull": "0"}
        async with self._session(BUILDING) as session:
            if await _builder(session) == "2":
                query["version"] = "2"
            with await asyncio.to_thread(context.open, "rb") as tar:
                headers = {"Content-Type": "application/x-tar"}
                async with session.post(f"/{VERSION}/build", params=query, data=tar, headers=headers) as answer:
                    await _accepted(answer, "build")
                    return await _built(_messages(answer))

    async def inspect(self, image: str) -> dict[str, Any] | None:
        """None: there is no such image."""
        path = f"/{VERSION}/images/{quote(image, safe='/:@')}/json"
        async with self._session(ASKING) as session, session.get(path) as answer:
            if answer.status == 404:
                return None
            await _accepted(answer, "inspect")
            found: dict[str, Any] = await answer.json()
            return found

    async def push(self, image: str, access: Access, tag: str) -> str:
        """Returns the digest that the engine says it pushed."""
        name = quote(access.name, safe="/:")
        async with self._session(PUSHING) as session:
            query = {"repo": access.name, "tag": tag}
            async with session.post(f"/{VERSION}/images/{quote(image, safe=':')}/tag", params=query) as answer:
                await _accepted(answer, "tag")
            headers = {"X-Registry-Auth": _login(access)}
            push = f"/{VERSION}/images/{name}/push"
            async with session.post(push, params={"tag": tag}, headers=headers) as answer:
                await _accepted(answer, "push")
                return await _pushed(_messages(answer), access.name)

    @asynccontextmanager
    async def _session(self, patience: timedelta) -> AsyncIterator[aiohttp.ClientSession]:
        """One connection each: closing it is how a build or a push that nobody waits for any more is ended."""
        path = str(self._socket or _socket())
        timeout = aiohttp.ClientTimeout(total=patience.total_seconds())
        connector = aiohttp.UnixConnector(path)
        try:
            async with aiohttp.ClientSession(
                "http://docker", connector=connector, timeout=timeout, read_bufsize=LONGEST_LINE
            ) as session:
                yield session
        except TimeoutError as error:
            raise AdapterError(f"Docker at {path} was not done after {patience.total_seconds():.0f} s") from error
        except (aiohttp.ClientConnectorError, FileNotFoundError, PermissionError) as error:
            raise AdapterError(f"Docker at {path} cannot be reached ({error}); {REMEDY}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            what = str(error) or type(error).__name__
            raise AdapterError(f"Docker at {path} broke off ({what}); {REMEDY}, and repeat the command") from error


def _socket() -> str:
    host = os.environ.get("DOCKER_HOST", "")
    if not host:
        return USUAL_SOCKET
    if not host.startswith("unix://"):
        raise AdapterError(f"images are built by a Docker Engine on this machine: DOCKER_HOST={host!r} is no unix://")
    return host.removeprefix("unix://")


async def _builder(session: aiohttp.ClientSession) -> str:
    """2: BuildKit, as the engine recommends it from version 23 on."""
    async with session.get("/_ping") as answer:
        return answer.headers.get("Builder-Version", "1")


async def _accepted(answer: aiohttp.ClientResponse, verb: str) -> None:
    if answer.status < 300:
        return
    body = await answer.content.read(LONGEST_LINE)
    try:
        why = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        why = body[:200].decode(errors="replace")
    if verb == "build":
        raise BuildFailed(why.strip(), "", ())
    raise AdapterError(f"Docker would not {verb}: HTTP {answer.status}, {why.strip()}")


async def _messages(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """What the engine tells while it works, one JSON object on each line. An error is the last one."""
    async for line in answer.content:
        if line.strip():
            message = json.loads(line)
            if isinstance(message, dict):
                yield message


async def _built(messages: AsyncIterator[dict[str, Any]]) -> str:
    image, step = "", ""
    output: list[str] = []
    async for message in messages:
        if text := str(message.get("stream", "")).strip():
            step = text.partition(" : ")[2] if text.startswith("Step ") else step
            output = [*output, text][-TOLD:]
        if why := _error(message):
            raise BuildFailed(why, step, tuple(output))
        aux = message.get("aux")
        if isinstance(aux, dict) and "ID" in aux:
            image = str(aux["ID"])
    if not image:
        raise BuildFailed("the engine broke off before the image was built", step, tuple(output))
    return image


async def _pushed(messages: AsyncIterator[dict[str, Any]], name: str) -> str:
    digest = ""
    async for message in messages:
        if why := _error(message):
            raise AdapterError(f"pushing to {name} failed: {why}")
        aux = message.get("aux")
        if isinstance(aux, dict) and "Digest" in aux:
            digest = str(aux["Digest"])
    if not digest:
        raise AdapterError(f"pushing to {name} broke off before it was done; repeat the command")
    return digest


def _error(message: Mapping[str, Any]) -> str:
    detail = message.get("errorDetail")
    inner = detail.get("message") if isinstance(detail, dict) else None
    return str(inner or message.get("error") or "").strip()


def _login(access: Access) -> str:
    """Sent for every push: without any, older engines refuse the request."""
    login = {"username": access.user, "password": access.password, "serveraddress": access.name.partition("/")[0]}
    return urlsafe_b64encode(json.dumps(login if access.user else {}).encode()).decode()
