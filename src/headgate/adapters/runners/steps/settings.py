"""What may be set about any runner."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class StepSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path  # what the runner remembers: logs, caches
    artifacts: Path | None = None  # one folder for all runners: a step may need what another one's step has made
    log_bytes: int = Field(default=10_000_000, ge=1000)  # of one step; the middle of a longer one is left out
    artifact_bytes: int = Field(default=500_000_000, ge=0)  # of one step
    artifact_files: int = Field(default=2000, ge=0)  # of one step
    steps_kept: int = Field(default=500, ge=1)  # logs and artifacts, the latest
    caches_kept: int = Field(default=50, ge=0)  # folders, the latest used
