"""What the figures were taken on: enough to compare with, nothing that names the machine."""

import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic

import psutil

SEARCH_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def program(name: str) -> str | None:
    return shutil.which(name, path=SEARCH_PATH)


def facts() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "cpu": _line("/proc/cpuinfo", "model name"),
        "memory_mb": int((_line("/proc/meminfo", "MemTotal") or "0").split()[0]) // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "versions": {
            "headgate": _installed("headgate"),
            "envoy": _said("envoy", "--version", r"/(\d+\.\d+\.\d+)/"),
            "nginx": _said("nginx", "-v", r"nginx/([\d.]+)"),
            "haproxy": _said("haproxy", "-v", r"version ([\d.]+)"),
        },
    }


class Neighbours:
    """What others on this machine use of its cores meanwhile: all that was used, less what we and our children used.

    Anything we start must stay our descendant for as long as it is measured.
    """

    def __init__(self) -> None:
        self._begun = monotonic(), _all_seconds(), _own_seconds()

    def percent(self) -> float:
        """Of all cores, since this was made."""
        begun, used, own = self._begun
        theirs = (_all_seconds() - used) - (_own_seconds() - own)
        return round(100 * max(0.0, theirs) / (monotonic() - begun) / (os.cpu_count() or 1), 1)


def _all_seconds() -> float:
    """In use by anyone, and stolen by other machines; not idle, not waiting for a disk."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    here = psutil.Process()
    total = 0.0
    for process in [here, *here.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])  # user, system, and those of children that ended
    return total


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _said(name: str, argument: str, pattern: str) -> str | None:
    path = program(name)
    if path is None:
        return None
    said = subprocess.run([path, argument], capture_output=True, text=True, check=False, timeout=30)
    found = re.search(pattern, said.stdout + said.stderr)
    return found[1] if found else None


def _line(path: str, key: str) -> str | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)
