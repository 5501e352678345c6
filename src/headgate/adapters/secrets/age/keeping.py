"""Changing the file, for commands: one at a time, whole or not at all."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headgate.adapters.secrets.age.file import SecretFile, read
from headgate.adapters.secrets.age.keys import checked, identities, identity_path, made, recipients_of
from headgate.ports import AdapterError

RANDOM = 32  # bytes of a value that is made here


@dataclass(frozen=True, slots=True)
class Kept:
    """One name, as a list shows it."""

    name: str
    version: str
    written_at: str
    by: str
    versions: int


class Keeping:
    def __init__(self, file: str, identity: str | None) -> None:
        self.path = Path(file)
        self.identity = identity_path(identity)

    def init(self, others: Sequence[str]) -> tuple[str, bool]:
        """This machine's public key, and whether the file was made: what is there stays. Raises AdapterError."""
        wanted = [checked(one) for one in others]
        own = recipients_of(self.identity)[0] if self.identity.exists() else made(self.identity)
        with self._alone():
            if self.path.exists():
                return own, False
            self._write(SecretFile(self.path, tuple(dict.fromkeys([own, *wanted]))))
        return own, True

    def set(self, name: str, value: str, by: str) -> str:
        """The version that it became. No key is needed: what is written here, others open."""

        def changed(file: SecretFile) -> SecretFile:
            version = file.next_version(name, lambda: secrets.token_hex(4))
            return file.with_value(name, value, version, datetime.now(UTC), by)

        return self._changed(changed).find(name).id

    def rotate(self, name: str, by: str) -> str:
        """A value that nobody ever saw takes the place of the one that is there; the version that it became."""
        read(self.path).find(name)
        return self.set(name, secrets.token_urlsafe(RANDOM), by)

    def list(self) -> tuple[list[Kept], tuple[str, ...]]:
        """Names and recipients: nothing is opened."""
        file = read(self.path)
        kept = [
            Kept(name, versions[-1].id, versions[-1].written_at, versions[-1].by, len(versions))
            for name, versions in sorted(file.secrets.items())
        ]
        return kept, file.recipients

    def recipients(self, add: Sequence[str], remove: Sequence[str]) -> tuple[str, ...]:
        """Who can open it from now on; whoever is taken out still knows what they could open before."""
        added, gone = [checked(one) for one in add], {checked(one) for one in remove}

        def changed(file: SecretFile) -> SecretFile:
            if missing := gone - set(file.recipients):
                raise AdapterError(f"{', '.join(sorted(missing))} is no recipient of {self.path}")
            left = [one for one in (*file.recipients, *added) if one not in gone]
            if not set(left) & set(recipients_of(self.identity)):
                raise AdapterError(f"nothing in {self.path} would open here any more: keep this machine's own key")
            return file.with_recipients(left, identities(self.identity))

        return self._changed(changed).recipients

    def _changed(self, change: Callable[[SecretFile], SecretFile]) -> SecretFile:
        with self._alone():
            file = change(read(self.path))
            self._write(file)
        return file

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The folder itself is locked: a file of its own would lie in the repository."""
        try:
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError as error:
            raise AdapterError(f"the folder {self.path.parent} cannot be opened ({error.strerror})") from error
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _write(self, file: SecretFile) -> None:
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as stream:
                stream.write(file.text())
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise AdapterError(f"{self.path} cannot be written ({error.strerror})") from error
        finally:
            draft.unlink(missing_ok=True)
