"""The way of a step's output into its log: through a process that masks secrets and bounds it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from headgate.adapters.machine.folders import PRIVATE_FILE
from headgate.ports import AdapterError

SINK = Path(__file__).with_name("sink.py")
PATIENCE = 5.0  # seconds that the last lines may take after a step's end
LOOK = 0.02  # seconds


def sunk(log: Path) -> Path:
    """There once all output is in the log."""
    return log.with_suffix(".sunk")


def open_sink(log: Path, limit: int, secrets: Collection[str], fifo: Path | None = None) -> tuple[int, int]:
    """The descriptor to write into, and the sink's pid. It outlives the server, and ends with the last writer.

    `fifo`: where others, a container for one, shall find the same way into the log.
    """
    reading, writing = _named(fifo) if fifo else os.pipe()
    try:
        child = _start(log, limit, reading, _given(secrets))
    except OSError as error:
        os.close(writing)
        raise AdapterError(f"Cannot start what writes the log {log}: {error.strerror}") from error
    finally:
        os.close(reading)
    child.returncode = 0  # reaped by pid, not when this object is collected
    return writing, child.pid


def _named(fifo: Path) -> tuple[int, int]:
    try:
        os.mkfifo(fifo, PRIVATE_FILE)
        reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # else it would wait for a writer
        writing = os.open(fifo, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        raise AdapterError(f"Cannot open {fifo}: {error.strerror}") from error
    os.set_blocking(reading, True)
    return reading, writing


def _given(secrets: Collection[str]) -> int:
    """A file without a name, so that no list of secrets is left anywhere."""
    descriptor = os.memfd_create("secrets")
    os.write(descriptor, json.dumps(sorted(secrets)).encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _start(log: Path, limit: int, reading: int, secrets: int) -> "subprocess.Popen[bytes]":
    argv = (sys.executable, "-I", "-S", str(SINK), str(log), str(limit), str(sunk(log)), str(secrets))
    try:
        return subprocess.Popen(
            argv,
            env={"PATH": os.defpath},
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(secrets,),
        )
    finally:
        os.close(secrets)


async def written(log: Path) -> None:
    """Returns when the last lines are in the log, or are not to be expected any more."""
    give_up = asyncio.get_running_loop().time() + PATIENCE
    while not sunk(log).exists() and asyncio.get_running_loop().time() < give_up:  # noqa: ASYNC110 - another process
        await asyncio.sleep(LOOK)
