"""Images for tests, made of this machine's own Python and imported: nothing is pulled, and it takes a second."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path

from headgate.adapters.docker_engine import DockerEngine

SERVICE = Path(__file__).parents[1] / "process" / "tiny_service.py"
USED = "http.server, json, os, pathlib, signal, socket, subprocess, sys, threading, time, urllib.request, stringprep"
ALSO = "encodings.idna, encodings.latin_1, encodings.ascii"
LIST = f"""
import {USED}, {ALSO}, sys
files = [m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)]
import json, os
print(json.dumps([sys._base_executable, os.path.join(sys.base_prefix, ''), files]))
"""


def root_files() -> list[Path]:
    """The interpreter, the modules that the service imports, and the libraries that all of them need."""
    python = Path(sys._base_executable).resolve()
    out = subprocess.run([python, "-I", "-c", LIST], capture_output=True, text=True, check=True).stdout
    _, _, modules = json.loads(out)
    landmark = Path(json.__file__).parents[1] / "os.py"
    binaries = [python, *(Path(name) for name in modules if ".so" in Path(name).suffixes)]
    return sorted({python, landmark, *map(Path, modules), *libraries(binaries)})


def libraries(binaries: list[Path]) -> set[Path]:
    out = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=True).stdout
    words = (word for line in out.splitlines() if line.startswith(("\t", " ")) for word in line.split())
    return {Path(word) for word in words if word.startswith("/")}


@cache
def root(service: Path = SERVICE) -> bytes:
    """A tar of a whole root file system: /app/service.py, and `python` to run it."""
    python = Path(sys._base_executable).resolve()
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for path in root_files():
            add(tar, str(path), path.read_bytes(), path.stat().st_mode & 0o777 | 0o444)
        add(tar, "/app/service.py", service.read_bytes(), 0o444)
        add(tar, "/etc/passwd", b"root:x:0:0::/:/\nnobody:x:65534:65534::/:/\n", 0o444)
        for folder in ("tmp", "data"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        link = tarfile.TarInfo("bin/python")
        link.type, link.linkname = tarfile.SYMTYPE, str(python)
        tar.addfile(link)
    return held.getvalue()


def add(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


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
