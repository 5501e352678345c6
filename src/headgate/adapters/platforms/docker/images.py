"""Which image a service runs: found once for each revision, so that a tag that moves later changes nothing."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.adapters.docker_engine import DockerEngine, EngineRefused
from headgate.adapters.machine.folders import Folder, private, write_atomically
from headgate.model.releases import Revision
from headgate.model.services import Service
from headgate.ports import AdapterError

NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}")  # it becomes part of a path


@dataclass(frozen=True, slots=True)
class Image:
    id: str  # sha256:..., the digest of its configuration
    variables: dict[str, str] = field(default_factory=dict)
    has_command: bool = True
    user: str = ""  # empty: root


async def image_of(engine: DockerEngine, folder: Folder, revision: Revision, service: Service) -> Image:
    where = f"{revision.environment}, service {service.name}"
    if service.image is None:
        raise AdapterError(
            f"{where} has no image, and platform docker runs nothing else: "
            "write `image: NAME` instead of `build`, or use platform process"
        )
    if not NAME.fullmatch(service.image):
        raise AdapterError(f"{where}: {service.image!r} names no image: write NAME:TAG or NAME@sha256:DIGEST")
    path = private(folder.path / "images") / f"{revision.id}.{service.name}.json"
    pinned = _read(path)
    image = await _inspect(engine, pinned or service.image, service.image, where)
    if pinned is None:
        write_atomically(path, json.dumps({"reference": service.image, "id": image.id}))
    return image


async def _inspect(engine: DockerEngine, name: str, reference: str, where: str) -> Image:
    try:
        found = await engine.json("GET", f"/images/{name}/json")
    except EngineRefused as error:
        if error.status != 404:
            raise
        which = reference if name == reference else f"{reference}, which was {name} when this revision first ran,"
        raise AdapterError(
            f"{where}: the image {which} is not on this machine. "
            f"Bring it here (docker pull {reference}, or docker load), and roll out again"
        ) from error
    return _understood(found)


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
