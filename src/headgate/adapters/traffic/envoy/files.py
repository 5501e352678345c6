"""Resources as files that Envoy watches: whole or not at all, and written only where the content changed."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from headgate.ports import AdapterError

Resource = dict[str, Any]


def encode(resources: Sequence[Resource]) -> str:
    return json.dumps(resources, sort_keys=True, separators=(",", ":"))


def version(encoded: str) -> str:
    """Equal content has an equal version, so Envoy's own `version_info` tells what it took over."""
    return hashlib.sha256(encoded.encode()).hexdigest()[:16]


class ResourceFile:
    """One discovery answer on disk: LDS and CDS hold lists, RDS and EDS exactly one resource."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Resource]:
        """Empty where it is missing or damaged: what it held is then set anew, as for a new host."""
        try:
            return list(json.loads(self.path.read_text())["resources"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return []


class Drafts:
    """Files laid out beside their places, then moved there in one go: the moves are what Envoy waits for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "drafts"
        self._moves: list[tuple[Path, Path]] = []

    def add(self, path: Path, resources: Sequence[Resource], again: bool = False) -> bool:
        """False where the file already says so, unless it is to be read `again`."""
        encoded = encode(resources)
        return self.add_text(path, f'{{"version_info":"{version(encoded)}","resources":{encoded}}}\n', again)

    def add_text(self, path: Path, text: str, again: bool = False) -> bool:
        if not again and _says(path, text):
            return False
        draft = self._folder / f"{path.parent.name}.{path.name}"
        try:
            for folder in (self._folder, path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(draft, text)
        except OSError as error:
            raise _unwritable(path, error) from error
        self._moves.append((draft, path))
        return True

    def move(self) -> None:
        for draft, path in self._moves:
            try:
                draft.replace(path)
            except OSError as error:
                raise _unwritable(path, error) from error
        self._moves.clear()


def write(folder: Path, contents: Iterable[tuple[Path, Sequence[Resource]]], again: bool = False) -> bool:
    """All of them, in this order. False where nothing had to change."""
    drafts = Drafts(folder)
    changed = [drafts.add(path, resources, again) for path, resources in contents]
    drafts.move()
    return any(changed)


def write_text(folder: Path, path: Path, text: str) -> None:
    drafts = Drafts(folder)
    drafts.add_text(path, text)
    drafts.move()


def write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _says(path: Path, text: str) -> bool:
    try:
        return path.read_text() == text
    except FileNotFoundError:
        return False


def _unwritable(path: Path, error: OSError) -> AdapterError:
    return AdapterError(f"Envoy: {path} cannot be written: {error.strerror}; free space there or fix its permissions")
