"""The field `environments.NAME.gates[N].freeze`: a window of the week, dates, cron or an iCalendar file."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import Field, model_validator

from headgate.model.freezes import Closure, CronFreeze, DatesFreeze
from headgate.model.rules import Frozen
from headgate.spec import units
from headgate.spec.sections.section import Section, ShortForm, Written, unsuitable
from headgate.spec.sections.texts import duration, matching
from headgate.spec.tree import Mapping, Scalar
from headgate.spec.units import Unsuitable

DATE = r"([0-9]{4}-[0-9]{2}-[0-9]{2} (?:[01][0-9]|2[0-3]):[0-5][0-9])"
ZONE = r"([A-Za-z0-9_+-]{1,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2})"
DATES_PATTERN = f"^{DATE} - {DATE} {ZONE}$"
FREEZES = f'{units.FREEZES}, two dates ("2026-12-18 16:00 - 2027-01-04 08:00 Europe/London"), or cron or calendar'
CRONS = 'five fields of cron: minute, hour, day of month, month, day of week ("0 22 * * fri")'
SOME_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - of a clock on a wall, and any would do


def _cron(scalar: Scalar) -> str:
    text = " ".join(scalar.text.split())
    try:
        if len(text) > 200 or len(text.split(" ")) != 5:
            raise Unsuitable(CRONS, "Write five fields, in quotes.")
        next(CronSim(text, SOME_DAY))
    except CronSimError as error:
        raise Unsuitable(CRONS, f"{error}.") from error
    except StopIteration as error:
        raise Unsuitable(CRONS, "That never comes.") from error
    return text


def _zone(scalar: Scalar) -> str:
    units.known_zone(scalar.text)
    return scalar.text


Cron = Annotated[str, Written(_cron, CRONS, {"type": "string", "description": CRONS})]
Zone = Annotated[str, Written(_zone, "an IANA time zone", {"type": "string", "pattern": f"^{ZONE}$"})]
IcsFile = Annotated[
    str,
    matching(
        r"(?=.{1,200}\.ics$)[A-Za-z0-9_][A-Za-z0-9_. -]*(/[A-Za-z0-9_][A-Za-z0-9_. -]*)*",
        "an iCalendar file (.ics) below headgate.yaml's repository",
        "Write a path such as deploy/holidays.ics.",
    ),
]
Length = Annotated[timedelta, duration("1m", "31d")]


class FreezeSection(Section):
    cron: Cron | None = Field(None, description="It begins then, by the clock on the wall.")
    for_: Length | None = Field(None, alias="for", description="With cron: how long it lasts.")
    calendar: IcsFile | None = Field(
        None, description="iCalendar file of the repository, which `headgate apply` reads."
    )
    zone: Zone = Field(description="IANA time zone: of cron, and of what the calendar gives no zone.")

    @model_validator(mode="after")
    def one_way(self) -> "FreezeSection":
        if (self.cron is None) == (self.calendar is None) or (self.cron is None) != (self.for_ is None):
            raise unsuitable("cron and for, or calendar", "Write one of the two, and zone.")
        return self


def _finish(section: FreezeSection) -> Frozen:
    if section.cron is not None and section.for_ is not None:
        return CronFreeze(section.cron, section.for_, section.zone)
    return DatesFreeze(section.zone, calendar=section.calendar or "")


def _expand(scalar: Scalar, section: Callable[[Mapping], Any]) -> Frozen:
    found = re.fullmatch(DATES_PATTERN, scalar.text)
    if not found:
        return units.freeze(scalar.text)
    first, last, name = found.groups()
    units.known_zone(name)
    zone = ZoneInfo(name)
    closure = Closure(min(_moments(first, zone)), max(_moments(last, zone)))
    if closure.start >= closure.end:
        raise Unsuitable(FREEZES, "It ends before it starts: write another end.")
    return DatesFreeze(name, (closure,))


def _moments(text: str, zone: ZoneInfo) -> list[datetime]:
    """An hour that the clock shows twice is two moments, and one that it skips too: a freeze is the longer one."""
    try:
        wall = datetime.fromisoformat(text)
        return [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    except (ValueError, OverflowError) as error:
        raise Unsuitable(FREEZES, f"There is no {text}.") from error


Freeze = Annotated[
    Frozen,
    ShortForm(
        FreezeSection,
        expand=_expand,
        finish=_finish,
        allowed=FREEZES,
        schema={"type": "string", "anyOf": [{"pattern": units.FREEZE_PATTERN}, {"pattern": DATES_PATTERN}]},
    ),
]
