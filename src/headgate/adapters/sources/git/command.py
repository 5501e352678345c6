"""The git command line: never a shell, never a prompt, no hooks, bounded in time; no network but where one is named."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO

from headgate.ports import AdapterError

TIMEOUT = timedelta(seconds=60)
LINES_SHOWN = 3
LONGEST_SAID = 1000  # characters

# What a repository may say of itself does not make git run anything, ask anyone, or answer with other objects.
OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never")
VARIABLES = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C.UTF-8",
}


class GitRefused(AdapterError):
    """Git ended with an error; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is particular about one question."""

    given: bytes = b""
    into: IO[bytes] | None = None  # takes what git prints, where that may be long
    fine: tuple[int, ...] = (0,)  # codes that are no refusal
    also: Mapping[str, str] = field(default_factory=dict)  # variables: not to be seen in lists of processes


PLAIN = Ask()


def variables(repository: Path) -> dict[str, str]:
    """HOME stays: git reads from there whose repositories the user trusts (safe.directory)."""
    passed = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # A folder inside some other repository is not one itself.
    return {**passed, **VARIABLES, "GIT_CEILING_DIRECTORIES": str(repository.parent)}


def folder(repository: str) -> Path:
    """The repository's folder, absolute, so that it is never taken for an option."""
    if not repository or "\0" in repository or "://" in repository:
        raise AdapterError(f"Repository {repository!r} is refused: give the folder of a git repository, or its address")
    path = Path(repository).expanduser()
    if not path.is_dir():
        raise AdapterError(f"Repository {repository!r} is not a folder on this machine")
    return path.resolve()


async def git(repository: Path, *arguments: str, timeout: timedelta = TIMEOUT, ask: Ask = PLAIN) -> bytes:
    """What it printed. Raises GitRefused with what it complained of."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        return await asyncio.to_thread(run, repository, arguments, timeout, ask, running.append)
    except asyncio.CancelledError:
        for process in running:
            end(process)  # a server that ends does not wait for a remote that hangs
        raise


def run(
    repository: Path,
    arguments: tuple[str, ...],
    timeout: timedelta = TIMEOUT,
    ask: Ask = PLAIN,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda process: None,
) -> bytes:
    try:
        process = start(repository, arguments, ask)
        started(process)
        return finish(process, ask, timeout)
    except (FileNotFoundError, PermissionError) as error:
        raise AdapterError(f"Cannot run git: {error.strerror}. Install git and have it on the PATH") from error
    except subprocess.TimeoutExpired as error:
        raise AdapterError(f"{repository}: git {arguments[0]} took longer than {timeout} and was ended") from error
    except ValueError as error:  # a NUL in an argument
        raise AdapterError(f"{repository}: git {arguments[0]} was not asked: {error}") from error


def start(repository: Path, arguments: tuple[str, ...], ask: Ask) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["git", "-C", str(repository), *OPTIONS, *arguments],
        env={**variables(repository), **ask.also},
        stdin=subprocess.PIPE,
        stdout=ask.into or subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """With all that it started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def finish(process: subprocess.Popen[bytes], ask: Ask, timeout: timedelta) -> bytes:
    with process:
        try:
            printed, complaint = process.communicate(ask.given, timeout.total_seconds())
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
            raise
    if process.returncode not in ask.fine:
        lines = complaint.decode(errors="replace").strip().splitlines()[:LINES_SHOWN]
        # A remote server has its say in this too: nothing of it commands a terminal.
        said = "".join(one if one.isprintable() else " " for one in " ".join(lines))[:LONGEST_SAID]
        raise GitRefused(said or f"git ended with code {process.returncode}")
    return printed or b""
