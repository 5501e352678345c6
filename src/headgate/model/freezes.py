"""Freezes: by the calendar, as a gate; or stop-the-line: somebody lets no rollout start, here or anywhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Closure:
    start: datetime
    end: datetime
    name: str = ""


@dataclass(frozen=True, slots=True)
class DatesFreeze:
    """No rollout starts within any of the closures, or behind the day up to which the calendar is known."""

    zone: str  # IANA's name: people are told in its time
    closures: tuple[Closure, ...] = ()
    calendar: str = ""  # the iCalendar file that they are from; empty: they are written in the specification
    known_until: datetime | None = None  # of a calendar; None: it was not read


@dataclass(frozen=True, slots=True)
class CronFreeze:
    """No rollout starts for so long, by the clock on the wall, behind each moment that the expression names."""

    cron: str  # five fields
    length: timedelta
    zone: str


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
