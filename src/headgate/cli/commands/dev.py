"""headgate dev: the whole application on this machine, from the working tree."""

import asyncio
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from headgate.cli.dev.session import Session
from headgate.cli.failure import OK, USAGE, Failure
from headgate.cli.file import content_of


def dev(file: str = "headgate.yaml", environment: str = "dev", data: str | None = None) -> int:
    where = Path(file).expanduser().resolve()
    content_of(str(where))  # a file that cannot be read is said at once
    _activate(where.parent)
    from headgate.ports import AdapterError, LogDamaged, LogUnavailable

    with _home(where, environment, data) as folder:
        try:
            asyncio.run(Session(where, environment, folder).run())
        except BrokenPipeError:  # nobody reads any more
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        except (AdapterError, LogDamaged, LogUnavailable) as error:
            raise Failure(str(error), str(folder)) from error
    return OK


def _activate(tree: Path) -> None:
    """The tree's own virtual environment, where none is active: its programs are found first."""
    if "VIRTUAL_ENV" not in os.environ and (tree / ".venv" / "bin" / "python").exists():
        os.environ["VIRTUAL_ENV"] = str(tree / ".venv")


@contextmanager
def _home(file: Path, environment: str, data: str | None) -> Iterator[Path]:
    """The same for the same file, so that addresses are, too, and what a killed session left is found and ended."""
    if data is not None:
        yield Path(data).expanduser().resolve()
        return
    name = hashlib.sha256(f"{os.getuid()} {file} {environment}".encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir(), f"headgate-dev-{name}")
    _make(folder)
    yield folder
    rmtree(folder, ignore_errors=True)  # not after a failure: someone will want to look


def _make(folder: Path) -> None:
    """In a folder that everyone may write to, somebody else may have been here first."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        remedy = "Name a folder with --data."
        raise Failure(f"the folder cannot be made: {error.strerror}", str(folder), remedy) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        remedy = "Remove it, or name another folder with --data."
        raise Failure("the folder is not yours alone", str(folder), remedy, USAGE)
