"""Which image a service runs: found once for each revision, so that a tag that moves later changes nothing."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.machine.folders import Folder, private, write_atomically
from headgate.adapters.platforms.docker.pulls import Pull
from headgate.model.images import digest_of
from headgate.model.releases import Revision
from headgate.model.services import Service
from headgate.ports import Access, AdapterError

NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}")  # it becomes part of a path
LoginOf = Callable[[str, str], Awaitable[Access | None]]  # application, image


@dataclass(frozen=True, slots=True)
class Image:
    id: str  # sha256:..., the digest of its configuration
    variables: dict[str, str] = field(default_factory=dict)
    has_command: bool = True
    user: str = ""  # empty: root


@dataclass(frozen=True, slots=True)
class Images:
    """Of one engine."""

    engine: DockerEngine
    machine: str  # whose engine it is, in words
    login: LoginOf
    pulling: timedelta  # at most, for one

    async def find(self, folder: Folder, revision: Revision, service: Service) -> Image | None:
        """None: it is not there, and has to be pulled. Raises AdapterError where that cannot be done either."""
        where, reference = _where(revision, service), _reference(revision, service)
        path = private(folder.path / "images") / f"{revision.id}.{service.name}.json"
        pinned = _read(path)
        found = await self._inspect(pinned) if pinned else None
        if found is None and (pinned is None or _is_pulled(reference)):
            found = await self._inspect(reference)
            _verify(found, reference, where)
        if found is None and _is_pulled(reference):
            return None
        if found is None:
            which = f"{reference}, which was {pinned} when this revision first ran," if pinned else reference
            raise AdapterError(
                f"{where}: the image {which} is not on {self.machine}, and only an image by digest is pulled. "
                f"Bring it there (docker pull {reference}, or docker load), and roll out again"
            )
        if not pinned:
            write_atomically(path, json.dumps({"reference": reference, "id": found["Id"]}))
        return _understood(found)

    async def pull(self, revision: Revision, service: Service) -> Pull:
        """What is to be run. Raises AdapterError where the login is not to be had."""
        where, reference = _where(revision, service), _reference(revision, service)
        application = revision.environment.partition("/")[0]
        try:
            access = await self.login(application, reference)
        except AdapterError as error:
            raise AdapterError(f"{where}: the image {reference} cannot be pulled: {error}") from error
        return Pull(where, reference, self.machine, access, self.pulling)

    async def _inspect(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] = await self.engine.json("GET", f"/images/{name}/json", accept=(404,))
        return found if "Id" in found else None


def _where(revision: Revision, service: Service) -> str:
    return f"{revision.environment}, service {service.name}"


def _reference(revision: Revision, service: Service) -> str:
    where = _where(revision, service)
    if service.image is None:
        raise AdapterError(
            f"{where} has no image, and platform docker runs nothing else: "
            "write `image: NAME` instead of `build`, or use platform process"
        )
    if not NAME.fullmatch(service.image):
        raise AdapterError(f"{where}: {service.image!r} names no image: write NAME:TAG or NAME@sha256:DIGEST")
    return service.image


def _is_pulled(reference: str) -> bool:
    """By digest from a registry. An id alone, sha256:..., names no registry."""
    return "@" in reference and digest_of(reference) is not None


def _verify(found: dict[str, Any] | None, reference: str, where: str) -> None:
    """That the engine calls what it found by the digest asked for."""
    if found is None or not _is_pulled(reference):
        return
    digests = [one.rpartition("@")[2] for one in found.get("RepoDigests") or []]
    if digest_of(reference) not in digests:
        held = ", ".join(digests) or "no digest"
        raise AdapterError(f"{where}: the engine gave another image than {reference}: {held}. Nothing of it runs")


def _understood(found: dict[str, Any]) -> Image:
    told = found.get("Config") or {}
    variables = dict(one.partition("=")[::2] for one in told.get("Env") or [])
    return Image(found["Id"], variables, bool(told.get("Cmd") or told.get("Entrypoint")), told.get("User") or "")


def _read(path: Path) -> str | None:
    """None: it never ran here, or what was written down is lost: it is resolved again."""
    try:
        return str(json.loads(path.read_text())["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
