"""Files that Envoy may still watch. It takes an inotify instance for each, and aborts when there is none left.

The limit is the user's (128 by default on most systems), so it is tried before Envoy is told to watch one more.
"""

import ctypes
import os
from contextlib import ExitStack
from pathlib import Path

from headgate.ports import AdapterError

_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_SPARE = 2  # for whoever takes one between the question and the use


def require_watches(count: int) -> None:
    if count > 0 and not _available(count + _SPARE):
        raise AdapterError(_none_left(count))


def _available(count: int) -> bool:
    start = getattr(ctypes.CDLL(None, use_errno=True), "inotify_init1", None)
    if start is None:
        return True  # not Linux: Envoy watches by other means there
    with ExitStack() as opened:
        for _ in range(count):
            handle = start(os.O_CLOEXEC)
            if handle < 0:
                return False
            opened.callback(os.close, handle)
    return True


def _none_left(count: int) -> str:
    limit = _LIMIT.read_text().strip() if _LIMIT.exists() else "?"
    return (
        f"Envoy has to watch {count} more files and would abort: this user's {limit} inotify instances are nearly all "
        f"in use. Raise the limit: sysctl -w fs.inotify.max_user_instances=1024"
    )
