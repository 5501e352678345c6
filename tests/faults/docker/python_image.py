"""`python:3.11-slim` as far as examples/pcw needs it, made of this machine's Python: nothing can be pulled here.

Its Dockerfiles run unchanged on it: `pip install` finds all that their requirements name, and needs no network.
"""

import importlib.metadata
import io
import os
import re
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.adapters.platforms.docker.images import add, libraries
from tests.conftest import require

EXAMPLE = Path(__file__).parents[3] / "examples" / "pcw"

NAME = "python:3.11-slim"
PROGRAMS = ("sh", "mkdir", "chown", "sleep")
SITE = "/site"  # where what pip would install lies
LEFT_OUT = re.compile(r"(.*/)?(tests?|idlelib|tkinter|turtledemo|ensurepip|lib2to3|site-packages|config-.*)/|EXTERN")
PIP = b"#!/bin/sh\nexec python -m pip \"$@\"\n"
PASSWD = b"root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"


def root() -> bytes:
    """A tar of its root file system."""
    python = Path(sys._base_executable).resolve()
    held, shared = io.BytesIO(), []
    with tarfile.open(fileobj=held, mode="w") as tar:
        for path, to in _files():
            tar.add(path, to, recursive=False)
            shared += [path] if ".so" in path.suffixes else []
        programs = {name: Path(require(name)).resolve() for name in PROGRAMS}
        for path in {python, *_outside(libraries([python, *programs.values(), *shared]))}:
            add(tar, str(path), path.read_bytes(), 0o755)
        for name, program in programs.items():
            add(tar, f"/bin/{name}", program.read_bytes(), 0o755)
        _link(tar, "bin/python", python)
        add(tar, "/bin/pip", PIP, 0o755)
        add(tar, "/bin/uvicorn", b'#!/bin/sh\nexec python -m uvicorn "$@"\n', 0o755)
        add(tar, "/etc/passwd", PASSWD, 0o444)
        _folder(tar, "tmp")
    return held.getvalue()


def changes() -> list[str]:
    """What the image says beside its files."""
    variables = {"PATH": "/bin", "PYTHONPATH": SITE, "PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_INDEX": "1"}
    return [*(f"ENV {name}={value}" for name, value in variables.items()), 'CMD ["python"]']


def _files() -> Iterator[tuple[Path, str]]:
    """With their times: byte code is of its source's."""
    library = Path(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix, "installed_base": sys.base_prefix}))
    for path in library.rglob("*"):
        if path.is_file() and ".opt-" not in path.name and not LEFT_OUT.match(str(path.relative_to(library))):
            yield path, str(path)
    for name in sorted(needed()):
        for file in importlib.metadata.files(name) or ():
            path = Path(str(file.locate()))
            if path.is_file() and ".." not in file.parts:
                yield path, f"{SITE}/{file}"


def needed() -> set[str]:
    """Distributions that the example's services need, and pip."""
    found: set[str] = set()
    left = [Requirement("pip")]
    for file in EXAMPLE.glob("services/*/requirements.txt"):
        left += [Requirement(line) for line in file.read_text().splitlines() if line and line[0] not in "#-"]
    while left:
        one = left.pop()
        wants = importlib.metadata.requires(one.name) or []
        extras = one.extras or {""}
        below = [Requirement(text) for text in wants]
        meant = [r for r in below if r.marker is None or any(r.marker.evaluate({"extra": extra}) for extra in extras)]
        left += [r for r in meant if canonicalize_name(r.name) not in found or r.extras]
        found.add(canonicalize_name(one.name))
    return found


def _outside(found: Iterable[Path]) -> Iterator[Path]:
    """Of the machine; a distribution brings its own along."""
    return (path for path in found if not Path(os.path.normpath(path)).is_relative_to(sys.prefix))


def _link(tar: tarfile.TarFile, name: str, to: Path) -> None:
    link = tarfile.TarInfo(name)
    link.type, link.linkname = tarfile.SYMTYPE, str(to)
    tar.addfile(link)


def _folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
    tar.addfile(entry)
