"""What the platform must not forget: one private folder for each environment, and names that stay inside it."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.ports import AdapterError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def checked(kind: str, name: str) -> str:
    """The name itself, if it is fit to become part of a path."""
    if NAME.fullmatch(name):
        return name
    raise AdapterError(f"{kind} {name!r} is refused: use A-Z a-z 0-9 . _ - (at most 100), a letter or digit first")


def private(folder: Path) -> Path:
    """Made if it is missing. Private down from the first folder that had to be made."""
    try:
        if not folder.is_dir():
            private(folder.parent)
            folder.mkdir(exist_ok=True, mode=PRIVATE_FOLDER)
    except OSError as error:
        raise AdapterError(f"Cannot make the folder {folder}: {error.strerror}") from error
    return folder


def write_atomically(path: Path, text: str, durable: bool = True) -> None:
    """After a crash at any moment the file holds either what it held before, or all of `text`.

    Not durable: it may be empty after a power cut, but does not wait for the disk (8 ms were measured).
    """
    new = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            if durable:
                os.fsync(descriptor)
        new.replace(path)
    except OSError as error:
        raise AdapterError(f"Cannot write {path}: {error.strerror}. Make room or give the right to write") from error


@dataclass(frozen=True, slots=True)
class Folder:
    """One environment's folder."""

    path: Path

    @property
    def data(self) -> Path:
        return private(self.path / "data")

    @property
    def instances(self) -> Path:
        return private(self.path / "instances")

    def instance(self, instance: str) -> Path:
        return self.instances / f"{checked('instance', instance)}.json"

    def revision(self, revision: RevisionId) -> Path:
        return private(self.path / "revisions") / f"{checked('revision', revision)}.json"

    @property
    def jobs(self) -> Path:
        return private(self.path / "jobs")

    def job(self, job: JobId, ending: str) -> Path:
        return self.jobs / f"{checked('job', job)}.{ending}"

    @property
    def logs(self) -> Path:
        return private(self.path / "logs")

    def log(self, service: str, instance: str) -> Path:
        return private(self.logs / checked("service", service)) / f"{checked('instance', instance)}.log"


def environment_folder(data: Path, environment: EnvironmentId) -> Folder:
    parts = environment.split("/")
    if len(parts) != 2:
        raise AdapterError(f"environment {environment!r} is refused: it is written APPLICATION/ENVIRONMENT")
    application, name = checked("application", parts[0]), checked("environment", parts[1])
    return Folder(private(data / "environments" / application / name))
