"""Processes that outlive the server: started, found again, heard of when they end, ended with all they started.

A pid alone says nothing of who a process is: the kernel hands it out again.
"""

import asyncio
import contextlib
import errno
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from headgate.adapters.files import PRIVATE_FILE
from headgate.ports import AdapterError

MARKER = "HEADGATE_INSTANCE"
PROC = Path("/proc")
POLL = 1.0  # seconds between looks at a process, where the kernel has no handles
# All that passes from the server's own environment: what a process needs to run at all, and nothing that may be secret.
PASSED_ON = re.compile(r"PATH|HOME|LANG|TZ|LC_[A-Z]+")


@dataclass(frozen=True, slots=True)
class Identity:
    pid: int
    started: int  # clock ticks from boot to the process's start: unlike a date, it does not move when the clock is set
    boot: str  # the kernel's id of this boot


class Status(NamedTuple):
    state: str  # one letter; Z and X are dead
    group: int
    session: int
    started: int  # clock ticks after boot


@cache
def boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def status(pid: int) -> Status | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything, brackets and blanks too
    return Status(state=fields[0], group=int(fields[2]), session=int(fields[3]), started=int(fields[19]))


def identify(pid: int) -> Identity | None:
    found = status(pid)
    return Identity(pid, found.started, boot_id()) if found else None


def marker(pid: int) -> str | None:
    """The mark that was given at the start. None: there is none, it may not be read, or the process wrote over it."""
    try:
        variables = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    prefix = f"{MARKER}=".encode()
    found = (one.removeprefix(prefix) for one in variables.split(b"\0") if one.startswith(prefix))
    return next((mark.decode(errors="replace") for mark in found), None)


def is_alive(process: Identity, mark: str) -> bool:
    """One with another mark is not ours. Some have none: who set its own title, and everyone for an instant in exec."""
    found = status(process.pid)
    if found is None or found.state in "ZX":
        return False
    same = found.started == process.started and process.boot == boot_id()
    return same and marker(process.pid) in {mark, None}


def find(mark: str) -> Identity | None:
    """The process started with this mark: the oldest that leads a session, as its children carry the mark too."""
    leaders = [p for p in members(mark) if (found := status(p.pid)) is not None and found.session == p.pid]
    return min(leaders, key=lambda process: (process.started, process.pid), default=None)


def members(mark: str, session: int | None = None) -> list[Identity]:
    """All living processes with this mark. Give the session only while its number cannot be in use again."""
    return [process for process, found in living() if found.session == session or marker(process.pid) == mark]


def living() -> Iterator[tuple[Identity, Status]]:
    for entry in os.scandir(PROC):
        if entry.name.isdigit() and (found := status(int(entry.name))) is not None and found.state not in "ZX":
            yield Identity(int(entry.name), found.started, boot_id()), found


def send(process: Identity, number: signal.Signals) -> None:
    """Exactly this process or none: the handle is taken first, and then looked at again."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        try:
            if identify(process.pid) == process:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def send_to_group(process: Identity, mark: str, number: signal.Signals) -> None:
    """To the process and all it started, where it is still itself."""
    if is_alive(process, mark):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def kill_all(mark: str, session: int | None = None) -> None:
    """Until none is left; a process may fork while it is being looked for, so that one look is not enough."""
    for _ in range(10):
        found = members(mark, session)
        if not found:
            return
        for process in found:
            send(process, signal.SIGKILL)


def reap(pid: int) -> int | None:
    """The exit code of a child of ours that has ended, negative for a signal. None: not our child, or it still runs."""
    try:
        ended, code = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(code) if ended else None


def ending(code: int | None, lived: timedelta) -> str:
    after = f"after {max(lived.total_seconds(), 0):.1f} s"
    if code is None:
        return f"ended {after} at most; its exit code is not known, as an earlier server had started it"
    if code >= 0:
        return f"exited with code {code} {after}"
    known = {number.value for number in signal.Signals}
    return f"was killed by {signal.Signals(-code).name if -code in known else f'signal {-code}'} {after}"


@dataclass(frozen=True, slots=True)
class Launch:
    argv: tuple[str, ...]
    folder: Path
    variables: Mapping[str, str]
    log: Path


def inherited() -> dict[str, str]:
    """Programs of the running interpreter's own (virtual) environment, uvicorn for one, are found first."""
    variables = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    programs = str(Path(sys.executable).parent)
    variables["PATH"] = os.pathsep.join([programs, variables.get("PATH", os.defpath)])
    # The release's folder is only read: no byte code is left in it. Output is seen when it is written, not at the end.
    return {**variables, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


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
    # It outlives this object and this server: it is reaped by pid (`reap`), not when it is collected.
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


class ExitWatch:
    """Calls `ended` once, and never from within the constructor."""

    def __init__(self, process: Identity, mark: str, ended: Callable[[], None]) -> None:
        self._process, self._mark, self._ended = process, mark, ended
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._handle = open_handle(process.pid)
        if not is_alive(process, mark):
            self._timer = self._loop.call_soon(self._fire)
        elif self._handle is not None:
            self._loop.add_reader(self._handle, self._fire)
        else:
            self._timer = self._loop.call_later(POLL, self._poll)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._handle is not None:
            self._loop.remove_reader(self._handle)
            os.close(self._handle)
            self._handle = None

    def _fire(self) -> None:
        self.cancel()
        self._ended()

    def _poll(self) -> None:
        if is_alive(self._process, self._mark):
            self._timer = self._loop.call_later(POLL, self._poll)
        else:
            self._fire()


def open_handle(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in {errno.ESRCH, errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.EMFILE}:
            return None
        raise
