"""Break-glass: somebody whom the rules name lets a release pass closed gates, loudly and on record."""

from dataclasses import dataclass
from datetime import datetime

from headgate.model.ids import ReleaseId, RolloutId


@dataclass(frozen=True, slots=True)
class Glass:
    """What a rollout owes to it."""

    by: str
    why: str
    at: datetime
    gates: tuple[str, ...]  # each closed gate that it passed, as it was told then


@dataclass(frozen=True, slots=True)
class GlassBroken:
    """An event. The rollout that starts in the same entry of the log passed these closed gates; none: none was."""

    rollout: RolloutId
    release: ReleaseId
    by: str
    why: str
    gates: tuple[str, ...]
