"""Folders to build images from, and a store that counts what it builds."""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha1
from itertools import count
from pathlib import Path
from typing import Any

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.docker_images import DockerImages
from headgate.adapters.registries.docker.registry import DockerRegistry
from headgate.adapters.registries.images.store import Images
from headgate.model.images import ImageOrder, RegistryRules, Repository
from headgate.model.services import PLAIN, Dockerfile

MARK = count(1)
THEIRS = {".dockerenv", "dev", "etc"}


class Counting(DockerImages):
    builds = 0

    async def build(self, context: Path, labels: Mapping[str, str], how: Dockerfile = PLAIN) -> str:
        self.builds += 1
        return await super().build(context, labels, how)


@dataclass
class Yard:
    folder: Path
    settings: dict[str, str]
    registry: DockerRegistry = field(default_factory=DockerRegistry)
    engine: Counting = field(default_factory=Counting)
    images: Images = field(init=False)

    def __post_init__(self) -> None:
        self.images = self.again()

    def again(self) -> Images:
        """As after a restart of the server."""
        return Images(self.folder / "images", {"docker": self.registry}, self.engine)

    def order(self, files: Mapping[str, str], **changed: Any) -> ImageOrder:
        """A commit of these files. Its content is new in each run, so that no cache of an earlier one knows it."""
        context = self.folder / f"context{next(MARK)}"
        for name, text in files.items():
            path = context / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        order = ImageOrder(
            application="shop",
            service="web",
            folder=str(context),
            tree=sha1(repr(sorted(files.items())).encode()).hexdigest(),
            commit="c" * 40,
            committed_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
            source="/repositories/shop",
            version=None,
            registry=RegistryRules("docker", self.settings),
        )
        return replace(order, **changed)

    @property
    def web(self) -> Repository:
        return Repository("shop/web", self.settings)

    async def labels(self, reference: str) -> dict[str, str]:
        engine = DockerEngine()
        try:
            found = await engine.json("GET", f"/images/{reference}/json")
        finally:
            await engine.close()
        labels: dict[str, str] = found["Config"]["Labels"]
        return labels


    async def files(self, reference: str) -> set[str]:
        """What the image holds, without what the engine itself puts into every container."""
        engine = DockerEngine()
        try:
            made = await engine.json("POST", "/containers/create", body={"Image": reference, "Cmd": ["none"]})
            async with engine.open("GET", f"/containers/{made['Id']}/export") as answer:
                content = await answer.read()
            await engine.json("DELETE", f"/containers/{made['Id']}")
        finally:
            await engine.close()
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return {one.name for one in tar if one.isfile() and one.name.partition("/")[0] not in THEIRS}


def dockerfile(*lines: str) -> str:
    return "\n".join(["FROM scratch", *lines, ""])
