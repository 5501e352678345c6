"""What the platform must not forget: one private folder for each environment, and names that stay inside it."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId
from headgate.ports import AdapterError

T = TypeVar("T")
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


def read(kind: TypeAdapter[T], path: Path) -> T | None:
    """None: the file is not there, or was emptied by a power cut, which ended what it named."""
    try:
        text = path.read_bytes()
        return kind.validate_json(text) if text.strip(b"\0") else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AdapterError(f"Cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise AdapterError(
            f"{path} is damaged ({reason}). End the process it names, if it still runs, and remove the file"
        ) from error


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

    def remember_release(self, revision: RevisionId, release: ReleaseId) -> None:
        write_atomically(self.revision(revision), json.dumps({"release": release}))

    def release_of(self, revision: RevisionId) -> str:
        try:
            return checked("release", json.loads(self.revision(revision).read_text())["release"])
        except (FileNotFoundError, ValueError, KeyError) as error:
            raise AdapterError(f"{revision} was never run here, so there is nothing to check: run it first") from error

    @property
    def secrets(self) -> Path:
        """Not made: it is only where there is no memory for them."""
        return self.path / "secrets"

    @property
    def jobs(self) -> Path:
        return private(self.path / "jobs")

    def job(self, job: JobId, ending: str) -> Path:
        return self.jobs / f"{checked('job', job)}.{ending}"

    @property
    def migrations(self) -> Path:
        return private(self.path / "migrations")

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
