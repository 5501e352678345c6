"""A network of the tests' own: a second Docker Engine would share bridges and firewall with that of the machine."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NEW_NETWORK = 0x40000000  # CLONE_NEWNET
SET_FLAGS, UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP


@contextmanager
def own_network() -> Iterator[None]:
    """For this thread and all that it starts; it has nothing in it but loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if libc.unshare(NEW_NETWORK):
        os.close(before)
        pytest.skip("only root may make a network of its own")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            fcntl.ioctl(asked, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
        yield
    finally:
        libc.setns(before, NEW_NETWORK)
        os.close(before)
