"""A check: a yes/no probe of a revision."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from headgate.model.ids import EnvironmentId, JobId, RevisionId


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    kind: Literal["smoke", "run"]
    run: str = ""  # a shell command line of the file's author, for kind "run"
    timeout: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Job:
    """One execution of a check. Its id comes from rollout, step and attempt: running it twice is running it once."""

    id: JobId
    environment: EnvironmentId
    revision: RevisionId
    check: Check
    services: dict[str, str]  # service -> base URL to probe
    health_paths: dict[str, str]  # service -> path that answers when it is well


@dataclass(frozen=True, slots=True)
class JobSeen:
    id: JobId
    state: Literal["running", "passed", "failed", "lost"]
    detail: str = ""  # one sentence; the last lines of output where it failed
