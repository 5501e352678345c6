"""Images without anything in them but a file: built from nothing, since nothing can be pulled."""

import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from headgate.adapters.docker_images import DockerImages
from headgate.ports import Registry


@dataclass
class RegistryStage:
    registry: Registry
    settings: dict[str, str]
    folder: Path
    engine: DockerImages = field(default_factory=DockerImages)

    async def image(self, content: str) -> str:
        return await self.engine.build(tar_of(self.folder, Dockerfile="FROM scratch\nCOPY file /\n", file=content), {})


def tar_of(folder: Path, **files: str) -> Path:
    path = folder / "context.tar"
    with tarfile.open(path, "w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return path
