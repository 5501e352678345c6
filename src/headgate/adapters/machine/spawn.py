"""How a process is started: what it inherits, its command line, its folder."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headgate.adapters.machine.folders import PRIVATE_FILE
from headgate.adapters.machine.identity import Identity, identify
from headgate.adapters.machine.variables import expand, for_command_lines
from headgate.model.services import Service
from headgate.ports import AdapterError

# All that passes from the server's own environment: what a process needs to run at all, and nothing that may be secret.
PASSED_ON = re.compile(r"PATH|HOME|LANG|TZ|LC_[A-Z]+")


@dataclass(frozen=True, slots=True)
class Launch:
    argv: tuple[str, ...]
    folder: Path
    variables: Mapping[str, str]
    log: Path


def inherited() -> dict[str, str]:
    """Programs of the virtual environment that is active, then of this interpreter's own, are found first."""
    variables = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    active = os.environ.get("VIRTUAL_ENV")
    programs = [*([str(Path(active, "bin"))] if active else []), str(Path(sys.executable).parent)]
    variables["PATH"] = os.pathsep.join([*programs, variables.get("PATH", os.defpath)])
    # The release's folder is only read: no byte code is left in it. Output is seen when it is written, not at the end.
    return {**variables, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def command_line(service: Service, variables: Mapping[str, str], where: str) -> tuple[str, ...]:
    if not service.command:
        raise AdapterError(f"{where} has no command: the process platform needs `command: [program, argument, ...]`")
    seen = for_command_lines(service, variables, f"{where}, command")
    return tuple(expand(part, seen, f"{where}, command") for part in service.command)


def folder_below(root: Path, build: str, where: str) -> Path:
    folder = (root / build).resolve()
    if not folder.is_relative_to(root.resolve()):
        raise AdapterError(f"{where}: the folder {build!r} leads out of the release")
    if not folder.is_dir():
        raise AdapterError(f"{where}: there is no folder {folder}; was the release laid out?")
    return folder


def spawn(launch: Launch) -> Identity:
    """A new session, so that all it starts can be told to stop together; nothing of ours but its log is open in it."""
    log = open_log(launch.log)
    try:
        return spawn_into(launch, log)
    finally:
        os.close(log)


def open_log(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        raise AdapterError(f"Cannot open the log {path}: {error.strerror}") from error


def spawn_into(launch: Launch, output: int) -> Identity:
    """`output` is what all that it prints goes into."""
    try:
        child = start(launch, output)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AdapterError(f"Cannot start {launch.argv[0]!r} in {launch.folder}: {reason}") from error
    # It outlives this object and this server: it is reaped by pid (identity.reap), not when it is collected.
    child.returncode = 0
    process = identify(child.pid)
    assert process is not None, "a child that was not reaped cannot be gone"  # noqa: S101
    return process


def start(launch: Launch, log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        launch.argv,
        cwd=launch.folder,
        env=dict(launch.variables),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
