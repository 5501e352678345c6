"""An image for steps, made of this machine's own shell and a few programs: nothing is pulled, and it takes a second."""

import hashlib
import io
import shutil
import tarfile
from functools import cache
from pathlib import Path

from tests.adapters.platforms.docker.images import add, libraries

from headgate.adapters.docker_engine import DockerEngine

PROGRAMS = ("cat", "grep", "id", "kill", "ls", "mkdir", "sleep", "stat", "tail", "touch", "wc")


@cache
def root() -> bytes:
    """A tar of a whole root file system."""
    programs = {name: Path(shutil.which(name) or f"/bin/{name}") for name in PROGRAMS}
    programs["sh"] = Path("/bin/dash")
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for path in sorted(libraries(list(programs.values()))):
            add(tar, str(path), path.read_bytes(), 0o755)
        for name, path in programs.items():
            add(tar, f"/bin/{name}", path.read_bytes(), 0o755)
        add(tar, "/etc/passwd", b"root:x:0:0::/:/bin/sh\n", 0o444)
        entry = tarfile.TarInfo("tmp")
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(entry)
    return held.getvalue()


async def make(engine: DockerEngine, name: str = "headgate-test/steps") -> str:
    """NAME:TAG, made once for each content."""
    content = root()
    tag = hashlib.sha256(content).hexdigest()[:12]
    if "Id" not in await engine.json("GET", f"/images/{name}:{tag}/json", accept=(404,)):
        query = {"fromSrc": "-", "repo": name, "tag": tag, "changes": "ENV PATH=/bin"}
        async with engine.open("POST", "/images/create", query, content) as answer:
            told = await answer.text()
        assert "error" not in told, told
    return f"{name}:{tag}"
