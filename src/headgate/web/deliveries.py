"""What webhooks are known by: the secret they share with the server, and the deliveries that came before."""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

SECRET = "HEADGATE_HOOK_SECRET"  # noqa: S105 - the variable's name
FILE = "hook-secret"
DELIVERIES = "hook-deliveries"  # a line each: when, and by what it is known again
SHORTEST = 16  # characters of a secret
REMEMBERED = timedelta(hours=24)
MOST = 10_000  # deliveries that are remembered; the oldest are forgotten first


class Hooks:
    """The secret, and what was delivered lately."""

    def __init__(self, folder: Path | None, environ: Mapping[str, str] = os.environ) -> None:
        self._folder = folder
        self._environ = environ
        self._delivered: dict[str, datetime] = {}  # digest of a name -> when; the oldest first
        self._kept: int | None = None  # lines of the file; None: not read yet

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
        """By whatever names a delivery has: its id can be made up, its signature cannot. Remembered over a restart.

        Raises OSError where it cannot be remembered.
        """
        if self._kept is None:
            self._read()
        while self._delivered and (len(self._delivered) >= MOST or self._oldest() < now - REMEMBERED):
            del self._delivered[next(iter(self._delivered))]
        known = [hashlib.sha256(name.encode()).hexdigest()[:32] for name in names]
        new = not any(name in self._delivered for name in known)
        if new:
            self._keep(known, now)
            self._delivered.update(dict.fromkeys(known, now))
        return new

    def _oldest(self) -> datetime:
        return next(iter(self._delivered.values()))

    def _read(self) -> None:
        """A line that is cut off, as a lost machine leaves it, is not one; the next begins on a line of its own."""
        self._kept = 0
        for line in self._lines():
            self._kept += 1
            try:
                at, names = json.loads(line)
                self._delivered.update(dict.fromkeys(map(str, names), datetime.fromisoformat(at)))
            except (ValueError, TypeError):
                continue

    def _lines(self) -> list[str]:
        try:
            return (self._folder / DELIVERIES).read_text().splitlines() if self._folder else []
        except FileNotFoundError:
            return []

    def _keep(self, names: list[str], now: datetime) -> None:
        """Appended; written anew once more is forgotten than remembered."""
        if self._folder is None:
            return
        path = self._folder / DELIVERIES
        if (self._kept or 0) > 2 * MOST:
            beside = path.with_suffix(".partial")
            beside.write_text("".join(_line([name], at) for name, at in self._delivered.items()))
            os.replace(beside, path)
            self._kept = len(self._delivered)
        with open(path, "a", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600)) as stream:
            stream.write(_line(names, now))
        self._kept = (self._kept or 0) + 1


def _line(names: list[str], at: datetime) -> str:
    return "\n" + json.dumps([at.isoformat(), names])
