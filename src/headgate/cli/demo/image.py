"""The base image of the demo's services: this machine's own Python, with the packages that they require."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from headgate.cli.demo import packages
from headgate.cli.demo.root import Root, standard_library

PROGRAMS = ("sh", "mkdir", "chown")  # that the Dockerfiles run, beside Python and pip
PACKAGES = "/opt/packages"  # inside
# pip finds all that is required, in the versions that are; what it does not find it must not look for elsewhere.
VARIABLES = ("PATH=/bin", f"PYTHONPATH={PACKAGES}", "PIP_NO_INDEX=1", "PIP_ROOT_USER_ACTION=ignore")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Layer:
    """A tar as registries keep it."""

    path: Path
    digest: str  # of the file
    content: str  # digest of the tar in it


def requirements(example: Path) -> list[str]:
    files = sorted(example.glob("services/*/requirements.txt"))
    return sorted({line.strip() for file in files for line in file.read_text().splitlines() if line.strip()})


def root(example: Path) -> Root:
    made = Root()
    made.add(standard_library())
    for name in PROGRAMS:
        made.add_program(name)
    for package in packages.needed([*requirements(example), "pip"]).values():
        made.files |= {f"{PACKAGES}/{inside}": here for inside, here in packages.files(package)}
        made.texts |= {f"/bin/{name}": text for name, text in packages.scripts(package)}
    return made


def layer(made: Root, path: Path) -> Layer:
    """Stored, not compressed: it never leaves this machine, and Docker would take ten seconds to compress it."""
    with path.open("wb") as file:
        outer = Hashed(file)
        with gzip.GzipFile(filename="", fileobj=outer, mode="wb", compresslevel=0, mtime=0) as packed:
            inner = Hashed(packed)
            made.write(cast(BinaryIO, inner))
    return Layer(path, outer.digest(), inner.digest())


class Hashed:
    """Hashes what goes through it."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._hash = stream, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return int(self._stream.write(data))

    def flush(self) -> None:
        self._stream.flush()

    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def configuration(made: Layer, labels: Mapping[str, str], machine: str) -> dict[str, Any]:
    """Of an image of that one layer, in the form that Docker keeps; `machine` as `uname -m` says it."""
    return {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Env": list(VARIABLES), "Labels": dict(labels), "Cmd": ["/bin/python"]},
        "rootfs": {"type": "layers", "diff_ids": [made.content]},
        "history": [{"created_by": "headgate demo"}],
    }
