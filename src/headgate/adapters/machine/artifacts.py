"""Files that outlive the folder they were made in: what matches is copied, bounded, and never through a link."""

import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from headgate.adapters.machine.folders import PRIVATE_FILE, private
from headgate.adapters.machine.reports import files
from headgate.adapters.machine.sink import MASK, Mask

LARGEST_TEXT = 20_000_000  # bytes of a file that is masked


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


def hide(kept: Path, secrets: Collection[str]) -> None:
    """In texts; what is packed or painted (traces, pictures) stays as it is."""
    for path in kept.rglob("*"):
        if not path.is_file() or path.is_symlink() or path.stat().st_size > LARGEST_TEXT:
            continue
        path.chmod(PRIVATE_FILE)
        content, mask = path.read_bytes(), Mask(sorted(secrets))
        if b"\0" in content:
            continue
        lines = content.splitlines(keepends=True)
        hidden = b"".join(MASK + b"\n" if mask.of_key(line) else mask.hide(line) for line in lines)
        if hidden != content:
            path.write_bytes(hidden)


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
