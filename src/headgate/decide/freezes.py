"""Weekly freezes: windows of local time, through the changes of daylight saving time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headgate.model.rules import FreezeGate

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)


class UnknownZone(ValueError):
    """The time zone is not in this machine's data any more."""


def thaw(gate: FreezeGate, now: datetime) -> datetime | None:
    """When the freeze that holds now ends; None: none holds. Raises UnknownZone."""
    zone = zone_of(gate)
    local = now.astimezone(zone).date()
    monday = local - timedelta(days=local.weekday())
    length = gate.end - gate.start if gate.end > gate.start else gate.end - gate.start + WEEK
    for week in (0, 1):  # this week's, and one that began last week
        begin = monday - week * WEEK
        ends = _moments(begin, gate.start + length, zone)[-1]
        if _moments(begin, gate.start, zone)[0] <= now < ends:
            return ends
    return None


def zone_of(gate: FreezeGate) -> ZoneInfo:
    try:
        return ZoneInfo(gate.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(gate.zone) from error


def _moments(monday: date, of_week: timedelta, zone: ZoneInfo) -> list[datetime]:
    """An hour that the clock shows twice is two moments; one that it skips is taken from either side. Sorted."""
    day, clock = divmod(of_week, DAY)
    local = datetime.combine(monday + day * DAY, time(), zone) + clock  # by the clock on the wall
    return sorted(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
