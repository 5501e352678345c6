"""iCalendar files (RFC 5545) as the closures that their events are: holidays, sales, days on which nobody is there."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from headgate.model.freezes import Closure, DatesFreeze
from headgate.model.rules import Application, Environment
from headgate.spec.problems import Path, Problem, SpecificationError
from headgate.spec.specification import Specification

YEARS = 3  # beyond this one; what comes later is not known, and closed
MOST = 2000  # closures of one calendar
MOST_EVENTS = 1000  # written in it
LARGEST = 256 << 10  # characters
OFTEN = frozenset({"YEARLY", "MONTHLY", "WEEKLY", "DAILY"})
WEEK = timedelta(weeks=1)
ICALENDAR = "an iCalendar file"


class Unreadable(ValueError):
    """What is wrong with it, for a person."""


def named(spec: Specification) -> Iterator[tuple[Path, DatesFreeze]]:
    for name, environment in spec.environments.items():
        for at, gate in enumerate(environment.gates):
            if isinstance(gate.freeze, DatesFreeze) and gate.freeze.calendar:
                yield ("environments", name, "gates", at, "freeze", "calendar"), gate.freeze


def filled(rules: Application, spec: Specification, texts: Mapping[str, str], now: datetime) -> Application:
    """With what the calendars say, by their paths in `texts`. Raises SpecificationError."""
    found: dict[DatesFreeze, DatesFreeze] = {}
    problems: list[Problem] = []
    for path, gate in named(spec):
        try:
            found[gate] = _filled(gate, texts, now)
        except Unreadable as error:
            problems.append(spec.problem(path, ICALENDAR, f"{error}."))
    if problems:
        raise SpecificationError(problems)
    return replace(rules, environments=tuple(_with(one, found) for one in rules.environments)) if found else rules


def _with(rules: Environment, found: Mapping[DatesFreeze, DatesFreeze]) -> Environment:
    gates = (found.get(gate, gate) if isinstance(gate, DatesFreeze) else gate for gate in rules.gates)
    return replace(rules, gates=tuple(gates))


def _filled(gate: DatesFreeze, texts: Mapping[str, str], now: datetime) -> DatesFreeze:
    if gate.calendar not in texts:
        raise Unreadable(f"{gate.calendar} did not come with the file: `headgate apply` sends it")
    years = (now.year - 1, now.year + YEARS + 1)  # the same for a year: applied again, nothing has changed
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in years)
    return replace(gate, closures=closures(texts[gate.calendar], ZoneInfo(gate.zone), first, last), known_until=last)


def closures(text: str, zone: ZoneInfo, first: datetime, last: datetime) -> tuple[Closure, ...]:
    """Sorted. A time without a zone, and a day, are of `zone`. Raises Unreadable."""
    if len(text) > LARGEST:
        raise Unreadable(f"it is longer than {LARGEST:,} characters")
    import recurring_ical_events  # half a second, which files without a calendar need not wait
    from icalendar import Calendar

    try:
        calendar = Calendar.from_ical(text)
        _demand_modest(calendar)
        query = recurring_ical_events.of(calendar, skip_bad_series=False)
        found: list[Closure] = []
        for week in _weeks(first, last):  # so that one which says too much is known soon
            found += [one for one in (_closure(event, zone) for event in query.between(*week)) if one]
            if len(found) > MOST:
                raise Unreadable(f"its events come more than {MOST:,} times between {first:%Y} and {last:%Y}")
    except Unreadable:
        raise
    except Exception as error:  # whatever a library finds wrong with somebody's file
        raise Unreadable(f"it cannot be read: {type(error).__name__}: {str(error)[:200]}") from error
    return tuple(sorted(set(found), key=lambda one: (one.start, one.end, one.name)))


def _demand_modest(calendar: Any) -> None:
    events = calendar.walk("VEVENT")
    if calendar.name != "VCALENDAR" or calendar.errors:
        raise Unreadable("it is no whole VCALENDAR")
    if len(events) > MOST_EVENTS:
        raise Unreadable(f"it has more than {MOST_EVENTS:,} events")
    for event in events:
        name = str(event.get("SUMMARY", ""))[:60]
        if event.errors or "DTSTART" not in event:
            raise Unreadable(f"the event {name!r} has no start, or what is no time")
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if not OFTEN.issuperset(str(one).upper() for one in rule.get("FREQ", ["none"])):
                raise Unreadable(f"the event {name!r} comes more often than daily")
        for field in ("DTSTART", "DTEND"):
            _demand_zone(event.get(field), name)


def _demand_zone(moment: Any, name: str) -> None:
    """A zone that nobody knows must not be taken for none."""
    wanted = moment.params.get("TZID") if moment is not None else None
    if wanted and isinstance(moment.dt, datetime) and moment.dt.tzinfo is None:
        raise Unreadable(f"the event {name!r} is in a time zone that is not known, {str(wanted)[:60]}")


def _weeks(first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    begin = first
    while begin < last:
        yield begin, min(begin + WEEK, last)
        begin += WEEK


def _closure(event: Any, zone: ZoneInfo) -> Closure | None:
    """None: it was cancelled, or lasts no time."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    start, end = _moments(event.start, zone)[0], _moments(event.end, zone)[-1]
    return Closure(start, end, str(event.get("SUMMARY", ""))[:100]) if start < end else None


def _moments(at: date | datetime, zone: ZoneInfo) -> list[datetime]:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    if at.tzinfo is not None:
        return [at.astimezone(UTC)]
    return sorted(at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
