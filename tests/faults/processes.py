"""What really runs, from the kernel's own tables: nothing here asks Headgate."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headgate.adapters.envoy_admin import admin_socket, owner


@dataclass(frozen=True, slots=True)
class Running:
    """One instance of a service."""

    pid: int
    revision: str
    port: int


def instances(data: Path) -> list[Running]:
    """Leaders of a session that carry a mark of this data folder, lowest pid first."""
    found = []
    for pid, variables in _environments():
        ours = variables.get("DATA_DIR", "").startswith(f"{data}/") and "HEADGATE_INSTANCE" in variables
        if ours and os.getsid(pid) == pid:
            found.append(Running(pid, variables["REVISION"], int(variables["PORT"])))
    return sorted(found, key=lambda one: one.pid)


def envoy(data: Path) -> int | None:
    """The pid of the Envoy that serves this data folder."""
    return owner(admin_socket(data / "envoy"))


def touching(folder: Path) -> list[int]:
    """Every process that names the folder in its command line or its environment."""
    name = os.fsencode(folder)
    return [pid for pid in _pids() if name in _read(pid, "cmdline") + _read(pid, "environ")]


def end_all(folder: Path) -> list[int]:
    """Kills whatever touches the folder, by pid; returns what would not go."""
    deadline = time.monotonic() + 10
    killed: set[int] = set()
    while (left := {*touching(folder), *filter(_holds_files, killed)}) and time.monotonic() < deadline:
        for pid in touching(folder):
            kill(pid)
            killed.add(pid)
        time.sleep(0.05)
    return sorted(left)


def _holds_files(pid: int) -> bool:
    """A killed process gives back its memory, variables included, before its files; threads outlive their leader."""
    try:
        return alive(pid) or len(os.listdir(f"/proc/{pid}/task")) > 1
    except FileNotFoundError:
        return False


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Running; one that has ended and waits for its parent is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _pids() -> Iterator[int]:
    return (
        int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid() and alive(int(name))
    )


def _environments() -> Iterator[tuple[int, dict[str, str]]]:
    for pid in _pids():
        pairs = _read(pid, "environ").decode(errors="replace").split("\0")
        yield pid, {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
