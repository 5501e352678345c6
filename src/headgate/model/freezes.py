"""Stop-the-line: somebody lets no rollout start, in one environment or on the whole server."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Freeze:
    by: str
    why: str
    at: datetime
    until: datetime | None = None  # ends by itself; None: until someone unfreezes

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


# --- events, of stream environment:APP/ENV for one environment, of stream server for every one


@dataclass(frozen=True, slots=True)
class RolloutsFrozen:
    """No rollout starts from here on. What is in flight goes on, and a way back is never held up."""

    by: str
    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RolloutsUnfrozen:
    by: str
    why: str = ""
