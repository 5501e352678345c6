"""Bringing an image to an engine: by digest alone, from its registry, with the login that the application has there."""

import asyncio
import re
from datetime import timedelta
from typing import Any

from headgate.adapters.docker_engine import DockerEngine, EngineRefused, error_in, login, messages
from headgate.ports import Access, AdapterError, Away

MB = 1_000_000  # bytes
HUB = "docker.io"
COMPLETE = {"Already exists", "Pull complete"}

NO_ANSWER = r"refused|no such host|no route|unreachable|timeout|timed out|deadline exceeded|EOF|reset by peer"

# What engines and registries say, and what can be done about it. The first that fits is told.
TROUBLES = (
    (
        r"no space left|disk quota",
        "{machine} has no room for it: free some (docker system prune), or give it a larger disk",
    ),
    (
        r"verification failed|mismatch|unexpected digest",
        "What the registry sends is not what its digest says, and nothing of it runs: find out who answers there",
    ),
    (
        r"x509|certificate|HTTP response to HTTPS",
        "The engine of {machine} does not trust it: put its CA there, in /etc/docker/certs.d/{registry}/ca.crt",
    ),
    (r"manifest unknown|not found|name unknown", "It was deleted there, or never pushed: release the commit again"),
    (r"unauthorized|no basic auth|denied|authentication required|forbidden|\b40[13]\b", "{login}"),
    (NO_ANSWER, "See that it runs, and that {machine} reaches it"),
)
OURS = "Check the login in `registry` of the file, and that it may read there"
FOREIGN = (
    "It is not the registry that the file names, so there is no login for it: "
    "bring the image to {machine} by hand (docker pull {reference}), or let it come from that registry"
)


class Pull:
    """One image on its way. `str()` says how far it is."""

    def __init__(self, where: str, reference: str, machine: str, access: Access | None, limit: timedelta) -> None:
        """`reference` is HOST/PATH@sha256:...; `access` is None where the registry is not the application's."""
        self._where, self._machine = where, machine
        self.reference, self._access, self._limit = reference, access, limit
        self._complete: dict[str, bool] = {}  # layer -> whether it is there
        self._loaded: dict[str, int] = {}  # layer -> bytes

    def __str__(self) -> str:
        done, of = sum(self._complete.values()), len(self._complete)
        return f"its image is being pulled: {done} of {of} layers, {sum(self._loaded.values()) / MB:.1f} MB loaded"

    async def run(self, engine: DockerEngine) -> None:
        """Raises AdapterError that names registry, image and remedy, and never the login."""
        try:
            async with asyncio.timeout(self._limit.total_seconds()):
                await self._read(engine)
        except EngineRefused as error:
            raise self._failed(error.said) from error
        except TimeoutError as error:
            raise self._failed(f"timeout: {self} after {self._limit.total_seconds():g} s") from error

    async def _read(self, engine: DockerEngine) -> None:
        name, _, digest = self.reference.partition("@")
        query, headers = {"fromImage": name, "tag": digest}, {}
        if self._access is not None:
            headers["X-Registry-Auth"] = login(self._access)
        async with engine.open("POST", "/images/create", query, headers=headers, endless=True) as answer:
            async for message in messages(answer):
                if why := error_in(message):
                    raise self._failed(why)
                self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        layer, status, detail = message.get("id"), message.get("status", ""), message.get("progressDetail")
        if not isinstance(layer, str) or (not isinstance(detail, dict) and status not in COMPLETE):
            return
        self._complete[layer] = self._complete.get(layer, False) or status in COMPLETE
        if status == "Downloading" and isinstance(detail, dict):
            self._loaded[layer] = int(detail.get("current", 0))

    def _failed(self, why: str) -> AdapterError:
        signs = ((sign, remedy) for sign, remedy in TROUBLES if re.search(sign, why, re.IGNORECASE))
        sign, remedy = next(signs, ("", "{login}"))
        known = {"machine": self._machine, "registry": registry_of(self.reference), "reference": self.reference}
        known["login"] = (OURS if self._access else FOREIGN).format(**known)
        what = f"{self._machine} could not pull the image {self.reference} from the registry {known['registry']}"
        told = f"{self._where}: {what}: {' '.join(why.split())}"
        kind = Away if sign == NO_ANSWER else AdapterError
        return kind(f"{told}. {remedy.format(**known)}, and roll out again")


def registry_of(reference: str) -> str:
    """As Docker reads a name: without a host it is Docker Hub's."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else HUB
