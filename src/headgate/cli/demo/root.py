"""A root file system made of this machine's own files: what an image stands on where none can be pulled.

Everything lies inside where it lies here, so that the interpreter finds its library by itself.
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

PASSWD = b"root:x:0:0::/:/\nnobody:x:65534:65534::/:/\n"
GROUP = b"root:x:0:\nnogroup:x:65534:\n"
LEFT_OUT = {"test", "tests", "testing", "idlelib", "lib2to3", "tkinter", "turtledemo", "ensurepip"}
SOURCES = {".a", ".c", ".exe", ".h", ".pxd", ".pyi", ".pyx"}  # of extensions and for other systems: nobody reads them
LIST = """
import {}, sys
files = [m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)]
print('\\n'.join(files))
"""


@dataclass
class Root:
    files: dict[str, Path] = field(default_factory=dict)  # where it lies inside -> here
    texts: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ("/tmp",)  # noqa: S108 - inside; anyone may write there
    python: bool = True

    def __post_init__(self) -> None:
        self.texts |= {"/etc/passwd": PASSWD, "/etc/group": GROUP}
        if self.python:
            self.links |= {"/bin/python": str(interpreter()), "/bin/python3": "python"}
            self.add([interpreter()])

    def add(self, paths: Iterable[Path]) -> None:
        self.files |= {str(path): path for path in paths}

    def add_program(self, name: str) -> None:
        """One of this machine's own. Raises FileNotFoundError."""
        found = shutil.which(name)
        if found is None:
            raise FileNotFoundError(name)
        self.files[f"/bin/{name}"] = Path(found)

    def write(self, stream: BinaryIO) -> None:
        """A tar, with the libraries that all of it needs."""
        here = {path.resolve() for path in self.files.values()}  # wheels bring libraries of their own
        self.add(path for path in libraries(self.files.values()) if path.resolve() not in here)
        with tarfile.open(fileobj=stream, mode="w|") as tar:
            for folder in self.folders:
                entry = tarfile.TarInfo(folder.lstrip("/"))
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
                tar.addfile(entry)
            for inside, path in sorted(self.files.items()):
                _add(tar, inside, path.read_bytes(), path.stat())
            for inside, text in self.texts.items():
                _add(tar, inside, text)
            for inside, leads_to in self.links.items():
                entry = tarfile.TarInfo(inside.lstrip("/"))
                entry.type, entry.linkname = tarfile.SYMTYPE, leads_to
                tar.addfile(entry)


def interpreter() -> Path:
    """The real one, behind every virtual environment and link."""
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def imported(statement: str) -> set[Path]:
    """The files that `import STATEMENT` needs of the standard library, and the one by which Python knows that."""
    command = [str(interpreter()), "-I", "-c", LIST.format(statement)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {Path(os.__file__), *map(Path, out.split("\n")[:-1])}


def standard_library() -> Iterator[Path]:
    """As it is compiled here, less what no service needs."""
    top = Path(os.__file__).parent
    for here, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not _left_out(name)]
        yield from (Path(here, name) for name in names if wanted(Path(name)))


def wanted(path: Path) -> bool:
    """`path` below its library. Not: compiled for another interpreter or mode, sources of extensions, tests."""
    compiled = path.suffix != ".pyc" or path.name.endswith(f"{sys.implementation.cache_tag}.pyc")
    known = path.name == "EXTERNALLY-MANAGED"  # Debian's: its pip would do nothing
    return compiled and not known and path.suffix not in SOURCES and not any(map(_left_out, path.parts[:-1]))


def _left_out(name: str) -> bool:
    return name in LEFT_OUT or name in {"site-packages", "dist-packages"} or name.startswith("config-")


def libraries(files: Iterable[Path]) -> set[Path]:
    """What ldd says that those of them need which are programs or libraries."""
    native = [path for path in files if path.suffix not in {".py", ".pyc"} and _is_elf(path)]
    out = subprocess.run(["ldd", *native], capture_output=True, text=True, check=False).stdout
    words = (word for line in out.splitlines() if line.startswith(("\t", " ")) for word in line.split())
    return {Path(word) for word in words if word.startswith("/")}


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def _add(tar: tarfile.TarFile, inside: str, content: bytes, status: os.stat_result | None = None) -> None:
    entry = tarfile.TarInfo(inside.lstrip("/"))
    entry.size, entry.mode = len(content), 0o555 if content.startswith(b"#!") else 0o444
    if status is not None:
        # Its time: what is compiled counts only as long as the source is as old as it was.
        entry.mode, entry.mtime = status.st_mode & 0o777 | 0o444, int(status.st_mtime)
    tar.addfile(entry, io.BytesIO(content))
