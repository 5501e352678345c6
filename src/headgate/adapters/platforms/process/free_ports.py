"""Loopback ports: which are free, and whose a port is that answers."""

import errno
import os
import random
import socket
from collections.abc import Collection, Iterator
from pathlib import Path

from headgate.adapters.machine.identity import PROC, Identity, members
from headgate.ports import AdapterError

LISTENING = "0A"  # state column of /proc/net/tcp


def allocate(first: int, last: int, taken: Collection[int]) -> int:
    """Begins anywhere in the range, so that two servers of one machine seldom want the same port."""
    size = last - first + 1
    offset = random.randrange(size)  # noqa: S311 - not a secret
    ports = (first + (offset + step) % size for step in range(size))
    port = next((port for port in ports if port not in taken and is_free(port)), None)
    if port is None:
        raise AdapterError(f"No port from {first} to {last} is free on 127.0.0.1: stop something or widen the range")
    return port


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def listens(process: Identity, mark: str, port: int) -> bool:
    """Whether a port that answers is answered by this process, or by one that it started."""
    sockets = set(listeners(port))
    if sockets & set(open_sockets(process.pid)):
        return True
    return any(sockets & set(open_sockets(member.pid)) for member in members(mark, session=process.pid))


def listeners(port: int) -> Iterator[str]:
    """Names of the listening sockets, as links in /proc/PID/fd show them."""
    wanted = f":{port:04X}"
    for table in ("net/tcp", "net/tcp6"):
        path = PROC / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            if wanted in line and (fields := line.split())[3] == LISTENING and fields[1].endswith(wanted):
                yield f"socket:[{fields[9]}]"


def open_sockets(pid: int) -> Iterator[str]:
    folder: Path = PROC / str(pid) / "fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        try:
            yield os.readlink(folder / name)
        except OSError:  # closed meanwhile
            continue
