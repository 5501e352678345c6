"""An image for steps, made of this machine's own shell and a few programs: nothing is pulled, and it takes a second."""

import hashlib
import io
from functools import cache

from headgate.adapters.docker_engine import DockerEngine
from headgate.cli.demo.root import Root

PROGRAMS = ("cat", "grep", "id", "kill", "ls", "mkdir", "sleep", "stat", "tail", "touch", "wc")


@cache
def root() -> bytes:
    """A tar of a whole root file system."""
    made = Root(python=False)
    for name in ("sh", *PROGRAMS):
        made.add_program(name)
    held = io.BytesIO()
    made.write(held)
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
