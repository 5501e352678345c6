"""The end of a process: heard of at once by its handle, or by asking each second where the kernel has no handles."""

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from datetime import timedelta

from headgate.adapters.machine.identity import Identity, is_alive

POLL = 1.0  # seconds


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


def ending(code: int | None, lived: timedelta) -> str:
    after = f"after {max(lived.total_seconds(), 0):.1f} s"
    if code is None:
        return f"ended {after} at most; its exit code is not known, as an earlier server had started it"
    if code >= 0:
        return f"exited with code {code} {after}"
    known = {number.value for number in signal.Signals}
    return f"was killed by {signal.Signals(-code).name if -code in known else f'signal {-code}'} {after}"


def back_off(deaths: int, first: timedelta, longest: timedelta) -> timedelta:
    """How long to wait after so many deaths in a row."""
    doublings = min(deaths - 1, 20)
    return min(first * 2**doublings, longest)
