"""Images for tests, made of this machine's own Python and imported: nothing is pulled, and it takes a second."""

import hashlib
import io
from functools import cache
from pathlib import Path

from headgate.adapters.docker_engine import DockerEngine
from headgate.cli.demo.root import Root, imported

SERVICE = Path(__file__).parents[1] / "process" / "tiny_service.py"
USED = "http.server, json, os, pathlib, signal, socket, subprocess, sys, threading, time, urllib.request, stringprep"
ALSO = "encodings.idna, encodings.latin_1, encodings.ascii"


@cache
def root(service: Path = SERVICE) -> bytes:
    """A tar of a whole root file system: /app/service.py, and `python` to run it."""
    made = Root(folders=("/tmp", "/data"))
    made.add(imported(f"{USED}, {ALSO}"))
    made.files["/app/service.py"] = service
    for program in ("sh", "sleep"):  # for migrations
        made.add_program(program)
    held = io.BytesIO()
    made.write(held)
    return held.getvalue()


async def make(engine: DockerEngine, name: str = "headgate-test/tiny", changes: tuple[str, ...] = ()) -> str:
    """NAME:TAG, made once for each content."""
    content = root()
    said = ('CMD ["/bin/python", "/app/service.py"]', "ENV PATH=/bin", "USER nobody", *changes)
    tag = hashlib.sha256(content + repr(said).encode()).hexdigest()[:12]
    if "Id" not in await engine.json("GET", f"/images/{name}:{tag}/json", accept=(404,)):
        query = {"fromSrc": "-", "repo": name, "tag": tag, "changes": list(said)}
        async with engine.open("POST", "/images/create", query, content) as answer:
            told = await answer.text()
        assert "error" not in told, told
    return f"{name}:{tag}"
