"""Files that outlive the folder they were made in: what matches is copied, bounded, and never through a link."""

import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo, is_zipfile
from zlib import error

from headgate.adapters.machine.folders import PRIVATE_FILE, private
from headgate.adapters.machine.reports import files
from headgate.adapters.machine.sink import MASK, Mask

SNIFFED = 64 * 1024  # bytes in which a zero says that it is no text
LARGEST_ARCHIVE = 1_000_000_000  # bytes, unpacked


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
    """In texts, and in the texts of archives (traces are such); what is painted or packed otherwise stays as it is."""
    for path in [path for path in kept.rglob("*") if path.is_file() and not path.is_symlink()]:
        path.chmod(PRIVATE_FILE)
        with NamedTemporaryFile(dir=kept, delete=False) as beside:  # private, and nobody's name
            write = _archive if is_zipfile(path) else _text
            try:
                changed = write(path, beside, sorted(secrets))
            except OSError:
                os.unlink(beside.name)
                raise
        if changed:
            os.replace(beside.name, path)
        else:
            os.unlink(beside.name)


def _text(path: Path, beside: IO[bytes], secrets: list[str]) -> bool:
    with open(path, "rb") as content:
        return _hidden(content, beside, secrets)


def _archive(path: Path, beside: IO[bytes], secrets: list[str]) -> bool:
    """One that cannot be looked into is not kept: what is in it is not known."""
    try:
        with ZipFile(path) as packed, ZipFile(beside, "w") as made:
            if sum(one.file_size for one in packed.infolist()) > LARGEST_ARCHIVE:
                raise BadZipFile(f"more than {LARGEST_ARCHIVE:,} bytes unpacked")
            return True in [_entry(packed, made, one, secrets) for one in packed.infolist()]
    except (BadZipFile, RuntimeError, NotImplementedError, EOFError, error) as wrong:  # also: it has a password
        beside.truncate(0)
        beside.seek(0)
        beside.write(f"{path.name} is not kept, for secrets in it cannot be hidden: {wrong}\n".encode())
        return True


def _entry(packed: ZipFile, made: ZipFile, one: ZipInfo, secrets: list[str]) -> bool:
    kept = ZipInfo(one.filename, one.date_time)
    kept.compress_type = ZIP_DEFLATED
    with packed.open(one) as content, made.open(kept, "w") as hidden:
        return _hidden(content, hidden, secrets)


def _hidden(content: IO[bytes], hidden: IO[bytes], secrets: list[str]) -> bool:
    """Whether anything was, line by line; what is no text is copied."""
    start = content.read(SNIFFED)
    content.seek(0)
    if b"\0" in start:
        shutil.copyfileobj(content, hidden)
        return False
    mask, found = Mask(secrets), False
    for line in content:
        said = MASK + b"\n" if mask.of_key(line) else mask.hide(line)
        found = found or said != line
        hidden.write(said)
    return found


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
