"""Who a process is, and which processes belong to it. A pid alone says nothing: the kernel hands it out again."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

MARKER = "HEADGATE_INSTANCE"
PROC = Path("/proc")


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
