"""What webhooks are known by: the secret they share with the server, and the deliveries that came before."""

import os
import stat
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

SECRET = "HEADGATE_HOOK_SECRET"  # noqa: S105 - the variable's name
FILE = "hook-secret"
SHORTEST = 16  # characters of a secret
REMEMBERED = timedelta(hours=24)
MOST = 10_000  # deliveries that are remembered; the oldest are forgotten first


class Hooks:
    """The secret, and what was delivered lately."""

    def __init__(self, folder: Path | None, environ: Mapping[str, str] = os.environ) -> None:
        self._folder = folder
        self._environ = environ
        self._delivered: dict[str, datetime] = {}  # the oldest first

    def secret(self) -> bytes | None:
        """From the variable, or from a file that nobody else can read. None: hooks are off."""
        given = self._environ.get(SECRET, "").encode() or self._from_file()
        return given if len(given) >= SHORTEST else None

    def _from_file(self) -> bytes:
        try:
            file = os.open(self._folder / FILE if self._folder else os.devnull, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return b""
        with open(file, "rb") as stream:
            private = not stat.S_IMODE(os.fstat(file).st_mode) & 0o077
            return stream.read(1000).strip() if private else b""

    def is_new(self, names: tuple[str, ...], now: datetime) -> bool:
        """By whatever names a delivery has: its id can be made up, its signature cannot."""
        while self._delivered and (len(self._delivered) >= MOST or self._oldest() < now - REMEMBERED):
            del self._delivered[next(iter(self._delivered))]
        new = not any(name in self._delivered for name in names)
        if new:
            self._delivered.update(dict.fromkeys(names, now))
        return new

    def _oldest(self) -> datetime:
        return next(iter(self._delivered.values()))
