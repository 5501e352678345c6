"""What the platform must not forget: one private folder for each environment."""

from dataclasses import dataclass
from pathlib import Path

from headgate.adapters.files import checked, private
from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.ports import AdapterError


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
