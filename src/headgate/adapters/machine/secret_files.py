"""Secrets that a process reads from files: in memory where this machine has such a place, for the owner only."""

import hashlib
import os
import shutil
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from headgate.adapters.machine.folders import PRIVATE_FOLDER, checked, private
from headgate.model.services import Service
from headgate.ports import AdapterError

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of ours in it, whose owner and mode are looked at first
READABLE = 0o400


class SecretFiles:
    """One environment's: a folder for each instance, a file for each variable."""

    def __init__(self, home: Path, memory: Path = MEMORY) -> None:
        """`home` is what it is named after, and where it lies if there is no memory for it."""
        self._home, self._memory = home, memory

    def handed(self, instance: str, service: Service, values: Mapping[str, str]) -> dict[str, str]:
        """Variable -> value, or the path of the file that holds it. Written anew at each start."""
        as_files = {name for name, value in service.env.items() if value.as_file}
        return {n: str(self._write(instance, n, v)) if n in as_files else v for n, v in values.items()}

    def forget(self, instance: str) -> None:
        for root in self._roots():
            shutil.rmtree(root / checked("instance", instance), ignore_errors=True)

    def keep(self, instances: Collection[str]) -> None:
        """Those of instances that are gone meanwhile are removed."""
        for root in self._roots():
            for left in {path.name for path in root.iterdir()} - set(instances):
                self.forget(left)

    def _write(self, instance: str, variable: str, value: str) -> Path:
        folder = private(self._root() / checked("instance", instance))
        path = folder / variable
        try:
            path.unlink(missing_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, READABLE)
            with open(descriptor, "wb") as stream:
                stream.write(value.encode())
        except OSError as error:
            raise AdapterError(f"the secret for {variable} cannot be written to {path}: {error.strerror}") from error
        return path

    def _root(self) -> Path:
        try:
            self._in_memory.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        except OSError:
            return private(self._home)
        return self._in_memory if _is_ours(self._in_memory) else private(self._home)

    def _roots(self) -> list[Path]:
        found = [root for root in (self._in_memory, self._home) if root.is_dir()]
        return [root for root in found if _is_ours(root)]

    @property
    def _in_memory(self) -> Path:
        named = hashlib.sha256(str(self._home.resolve()).encode()).hexdigest()[:16]
        return self._memory / f"headgate-{os.getuid()}-{named}"


def _is_ours(folder: Path) -> bool:
    """Everybody may write to /dev/shm: what another put there under our name is not used."""
    seen = folder.lstat()
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.getuid() and not seen.st_mode & 0o077
