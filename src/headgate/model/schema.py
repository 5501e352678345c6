"""What migrations made of an environment's data: the events that say so, and what is asked of a platform."""

from dataclasses import dataclass
from typing import Literal

from headgate.model.ids import EnvironmentId, JobId, RolloutId
from headgate.model.migrations import Migration
from headgate.model.releases import Revision


@dataclass(frozen=True, slots=True)
class MigrationOrder:
    """One execution. Its id comes from service, level and attempt: asked for twice, it runs once."""

    id: JobId
    revision: Revision  # whose code and variables it runs with
    service: str
    migration: Migration

    @property
    def environment(self) -> EnvironmentId:
        return self.revision.environment


# --- events, of stream environment:APP/ENV


@dataclass(frozen=True, slots=True)
class MigrationStarted:
    """The decision. From here on it runs to its end, whatever becomes of the rollout that it came with."""

    service: str
    migration: Migration
    attempt: int
    revision: Revision
    by: str
    why: str
    rollout: RolloutId | None = None  # that waits for it; None: nothing was in flight


@dataclass(frozen=True, slots=True)
class MigrationEnded:
    service: str
    level: int
    attempt: int
    outcome: Literal["passed", "failed"]
    why: str  # the last lines of its output, where it failed
    lost: bool = False  # nobody knows what became of it, or it could not begin in a world that was away


@dataclass(frozen=True, slots=True)
class DataRestored:
    """Somebody put a service's data back, from a backup, to what they were at that level."""

    service: str
    level: int
    by: str
    why: str
