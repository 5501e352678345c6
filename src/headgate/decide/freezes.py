"""Freezes by the calendar: weekly, by cron, between dates; in local time, whatever daylight saving does to it."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim

from headgate.model.freezes import CronFreeze, DatesFreeze
from headgate.model.rules import FreezeGate, Frozen

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SHIFT = timedelta(hours=3)  # no clock on a wall is set back by more


class UnknownZone(ValueError):
    """The time zone is not in this machine's data any more."""


class UnknownDays(ValueError):
    """Nobody said whether this day is free. The text is for a person."""


def thaw(gate: Frozen, now: datetime) -> datetime | None:
    """When the freeze that holds now ends; None: none holds. Raises UnknownZone, UnknownDays: which both are closed."""
    match gate:
        case FreezeGate():
            return _weekly(gate, now)
        case CronFreeze():
            return _by_cron(gate, now)
        case DatesFreeze():
            return _between(gate, now)


def _weekly(gate: FreezeGate, now: datetime) -> datetime | None:
    zone = zone_of(gate)
    local = now.astimezone(zone).date()
    monday = local - timedelta(days=local.weekday())
    length = gate.end - gate.start if gate.end > gate.start else gate.end - gate.start + WEEK
    for week in (0, 1):  # this week's, and one that began last week
        begin = monday - week * WEEK
        ends = _moments(_on(begin, gate.start + length), zone)[-1]
        if _moments(_on(begin, gate.start), zone)[0] <= now < ends:
            return ends
    return None


def _by_cron(gate: CronFreeze, now: datetime) -> datetime | None:
    """The latest start that holds: it ends last. A clock that is set back shows times again that were over."""
    zone = zone_of(gate)
    wall = now.astimezone(zone).replace(tzinfo=None)
    latest_first = CronSim(gate.cron, wall + SHIFT + MINUTE, reverse=True)
    for start in takewhile(lambda start: start + gate.length + SHIFT >= wall, latest_first):
        ends = _moments(start + gate.length, zone)[-1]
        if _moments(start, zone)[0] <= now < ends:
            return ends
    return None


def _between(gate: DatesFreeze, now: datetime) -> datetime | None:
    if gate.calendar and gate.known_until is None:
        raise UnknownDays(f"the calendar {gate.calendar} was not read; apply the file again")
    if gate.known_until is not None and now >= gate.known_until:
        known = f"{gate.known_until.astimezone(zone_of(gate)):%Y-%m-%d}"
        raise UnknownDays(f"the calendar {gate.calendar} was read up to {known}; apply the file again")
    return max((one.end for one in gate.closures if one.start <= now < one.end), default=None)


def zone_of(gate: Frozen) -> ZoneInfo:
    try:
        return ZoneInfo(gate.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(gate.zone) from error


def _on(monday: date, of_week: timedelta) -> datetime:
    day, clock = divmod(of_week, DAY)
    return datetime.combine(monday + day * DAY, time()) + clock


def _moments(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """An hour that the clock shows twice is two moments; one that it skips is taken from either side. Sorted."""
    return sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
