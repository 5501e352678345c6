"""What may be set about the platform `process`."""

from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from headgate.adapters.machine.folders import checked


class ProcessSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path  # what the platform remembers, the logs, and each environment's DATA_DIR
    releases: Path  # a release's source lies in <releases>/<release id>, and is only read
    tree: Path | None = None  # instead: every release is this folder, as it is when an instance starts
    first_port: int = Field(default=26000, ge=1024, le=65535)  # above those that Envoy listens on
    last_port: int = Field(default=32000, ge=1024, le=65535)  # below Linux' ephemeral ports, which begin at 32768
    grace: timedelta = timedelta(seconds=10)  # from SIGTERM to SIGKILL
    first_retry: timedelta = timedelta(seconds=0.5)  # after one death; doubles with each further one
    longest_retry: timedelta = timedelta(seconds=30)
    forgiven_after: timedelta = timedelta(seconds=60)  # ready for so long: earlier deaths are forgotten
    log_bytes: int = Field(default=10_000_000, ge=1000)  # one earlier file of this size is kept beside the current one
    logs_kept: int = Field(default=20, ge=1)  # of each service, beside those of what still runs
    jobs_kept: int = Field(default=200, ge=1)  # of each environment

    def source(self, release: str) -> Path:
        return self.tree or self.releases / checked("release", release)
