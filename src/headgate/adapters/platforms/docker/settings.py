"""What may be set about the platform `docker`."""

from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class DockerSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path  # what the platform remembers; its path tells this server's containers from another's
    releases: Path  # a release's source lies in <releases>/<release id>: checks run there
    envoy: Path  # folder of the Envoy that containers reach each other through
    engine: str | None = None  # URL of the engine's socket; None: DOCKER_HOST, else Docker's default
    ssh_config: Path | None = None  # to other hosts; None: ~/.ssh/config of the server's user
    lost_after: timedelta = timedelta(minutes=5)  # then what a host that is away had is started elsewhere
    pulling: timedelta = timedelta(minutes=15)  # at most, for one image
    grace: timedelta = timedelta(seconds=10)  # from SIGTERM to SIGKILL
    first_retry: timedelta = timedelta(seconds=0.5)  # after one death; doubles with each further one
    longest_retry: timedelta = timedelta(seconds=30)
    forgiven_after: timedelta = timedelta(seconds=60)  # ready for so long: earlier deaths are forgotten
    log_bytes: int = Field(default=10_000_000, ge=1000)  # of one log file of one container
    log_files: int = Field(default=2, ge=1)
    logs_kept: int = Field(default=20, ge=1)  # of each service, of containers that are gone
    jobs_kept: int = Field(default=200, ge=1)  # of each environment
