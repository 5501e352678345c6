"""The end of Envoy, heard of at once by its handle: users wait for the next one from that moment on."""

import asyncio
import os
from collections.abc import Callable


class End:
    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._handle: int | None = None

    @property
    def awaited(self) -> bool:
        return self._handle is not None

    def wait_for(self, pid: int) -> None:
        """Where the kernel has no handles, or it has ended by now, the next look finds out."""
        self.forget()
        try:
            self._handle = os.pidfd_open(pid)
        except OSError:
            return
        asyncio.get_running_loop().add_reader(self._handle, self._fire)

    def forget(self) -> None:
        if self._handle is not None:
            asyncio.get_running_loop().remove_reader(self._handle)
            os.close(self._handle)
            self._handle = None

    def _fire(self) -> None:
        self.forget()
        self._ended()
