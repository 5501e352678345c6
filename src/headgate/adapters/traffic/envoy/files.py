"""Resources as files that Envoy watches: whole or not at all, and written only where the content changed."""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headgate.ports import AdapterError

Resource = dict[str, Any]


def version(resources: Sequence[Resource]) -> str:
    """Equal content has an equal version, so Envoy's own `version_info` tells what it took over."""
    return hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()[:16]


def replace(path: Path, text: str) -> None:
    """Envoy follows renames into the folder, so a half-written file is never read."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise AdapterError(f"Envoy: {path} cannot be written: {error.strerror}; free space or fix its permissions") from error


class ResourceFile:
    """One discovery answer on disk: LDS and CDS hold lists, RDS and EDS exactly one resource."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, resources: Sequence[Resource]) -> bool:
        """False where the file already says so."""
        answer = {"version_info": version(resources), "resources": list(resources)}
        text = json.dumps(answer, sort_keys=True, indent=1)
        if self.path.exists() and self.path.read_text() == text:
            return False
        replace(self.path, text)
        return True

    def read(self) -> list[Resource]:
        if not self.path.exists():
            return []
        try:
            return list(json.loads(self.path.read_text())["resources"])
        except (ValueError, KeyError) as error:
            raise AdapterError(f"Envoy: {self.path} is damaged ({error}); delete it and set the routes again") from error

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
