"""Files that outlive the folder they were made in: what matches is copied, bounded, and never through a link."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from headgate.adapters.machine.folders import private
from headgate.adapters.machine.reports import files


def keep(patterns: Sequence[str], top: Path, target: Path, most_files: int, most_bytes: int) -> str:
    """Returns what was left out, in words; nothing where nothing was."""
    found = [path for pattern in patterns for path in files(top, pattern)]
    left = most_bytes
    for taken, path in enumerate(dict.fromkeys(found), 1):
        left -= path.stat().st_size
        if left < 0 or taken > most_files:
            most = f"{most_files} files or {most_bytes:,} bytes"
            return f"artifacts from {path.relative_to(top)} on are left out: more than {most}"
        copy(path, private(target), path.relative_to(top))
    return ""


def copy(path: Path, top: Path, name: Path) -> None:
    """Never through a link, and never out of the folder."""
    target = top / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if below(target.parent, top):
        if os.path.lexists(target):
            target.unlink()
        shutil.copy2(path, target, follow_symlinks=False)


def below(path: Path, top: Path) -> bool:
    return path.resolve().is_relative_to(top.resolve())
