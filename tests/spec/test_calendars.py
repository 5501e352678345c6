"""iCalendar files: which moments their events close, and which files are refused."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.spec.files import production

from headgate.model.freezes import Closure, CronFreeze, DatesFreeze
from headgate.spec.calendars import Unreadable, closures, filled
from headgate.spec.compile import application
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

LONDON = ZoneInfo("Europe/London")
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def calendar(*events: str) -> str:
    told = "\n".join(f"BEGIN:VEVENT\nUID:{at}\n{event}\nEND:VEVENT" for at, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//x//EN\n{told}\nEND:VCALENDAR\n".replace("\n", "\r\n")


def closed(*events: str) -> list[str]:
    found = closures(calendar(*events), LONDON, FIRST, LAST)
    return [f"{one.start:%Y-%m-%dT%H:%M} {one.end:%Y-%m-%dT%H:%M} {one.name}".strip() for one in found]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART;VALUE=DATE:20261225\nSUMMARY:Christmas", ["2026-12-25T00:00 2026-12-26T00:00 Christmas"]),
        ("DTSTART;VALUE=DATE:20260629", ["2026-06-28T23:00 2026-06-29T23:00"]),  # a day of London's summer
        ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20270102", ["2026-12-24T00:00 2027-01-02T00:00"]),
        # The day on which the clock goes forward has 23 hours, the one on which it goes back 25.
        ("DTSTART;VALUE=DATE:20260329", ["2026-03-29T00:00 2026-03-29T23:00"]),
        ("DTSTART;VALUE=DATE:20261025", ["2026-10-24T23:00 2026-10-26T00:00"]),
        ("DTSTART:20260701T090000\nDURATION:PT2H", ["2026-07-01T08:00 2026-07-01T10:00"]),  # no zone: the gate's
        ("DTSTART:20260701T090000Z\nDTEND:20260701T100000Z", ["2026-07-01T09:00 2026-07-01T10:00"]),
        (
            "DTSTART;TZID=America/New_York:20260701T090000\nDTEND;TZID=America/New_York:20260701T100000",
            ["2026-07-01T13:00 2026-07-01T14:00"],
        ),
        # Through a change of the clock, at nine on the wall. EXDATE is one that does not happen.
        (
            "DTSTART;TZID=Europe/London:20260327T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260328T090000Z",
            ["2026-03-27T09:00 2026-03-27T10:00"]
            + [f"2026-03-{day}T08:00 2026-03-{day}T09:00" for day in (29, 30)],
        ),
        (
            "DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=YEARLY",
            [f"{year}-01-01T00:00 {year}-01-02T00:00" for year in (2026, 2027)],
        ),
        ("DTSTART;VALUE=DATE:20261225\nSTATUS:CANCELLED", []),
        ("DTSTART:20260701T090000Z\nDTEND:20260701T090000Z", []),  # no time at all
        ("DTSTART;VALUE=DATE:20301225", []),  # behind what is read
    ],
)  # fmt: skip
def test_an_event_closes(event: str, expected: list[str]) -> None:
    assert closed(event) == expected


def test_one_that_was_moved_closes_where_it_is() -> None:
    series = "DTSTART:20260701T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2"
    moved = "DTSTART:20260702T150000Z\nDURATION:PT1H\nRECURRENCE-ID:20260702T090000Z"
    text = calendar(series, moved).replace("UID:1", "UID:0")
    assert [one.start.hour for one in closures(text, LONDON, FIRST, LAST)] == [9, 15]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("hello", "cannot be read"),
        ("BEGIN:VCALENDAR\r\n", "VCALENDAR"),
        ("BEGIN:VTODO\r\nEND:VTODO\r\n", "VCALENDAR"),
        (calendar("SUMMARY:never"), "'never' has no start"),
        (calendar("DTSTART:tomorrow"), "what is no time"),
        (calendar("DTSTART;TZID=Mars/Olympus:20260701T090000\nDURATION:PT1H\nSUMMARY:landing"), "Mars/Olympus"),
        (calendar("DTSTART:20260701T090000Z\nRRULE:FREQ=SECONDLY"), "more often than daily"),
        (calendar("DTSTART:20260701T090000Z\nRRULE:FREQ=HOURLY"), "more often than daily"),
        (calendar(*["DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY"] * 70), "more than 2,000 times"),
        (calendar(*["DTSTART;VALUE=DATE:20260101"] * 1001), "more than 1,000 events"),
        ("x" * (256 * 1024 + 1), "longer than"),
        ("BEGIN:VCALENDAR\r\n" * 2000, "cannot be read"),
    ],
)
def test_a_file_that_does_not_say_what_is_free_is_refused(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        closures(text, LONDON, FIRST, LAST)


FILE = production("gates: [{freeze: {calendar: deploy/holidays.ics, zone: Europe/London}}]")
CHRISTMAS = {"deploy/holidays.ics": calendar("DTSTART;VALUE=DATE:20261225\nSUMMARY:Christmas")}


def gates(texts: dict[str, str], now: datetime = NOW) -> tuple[object, ...]:
    spec = read(FILE, "headgate.yaml")
    rules = filled(application(spec, "/s", "headgate.yaml"), spec, texts, now)
    return next(one.gates for one in rules.environments if one.name == "production")


def test_a_gate_knows_what_the_calendar_says() -> None:
    day = Closure(datetime(2026, 12, 25, tzinfo=UTC), datetime(2026, 12, 26, tzinfo=UTC), "Christmas")
    expected = DatesFreeze("Europe/London", (day,), "deploy/holidays.ics", datetime(2030, 1, 1, tzinfo=UTC))
    assert gates(CHRISTMAS) == (expected,)


def test_applied_again_within_the_year_nothing_has_changed() -> None:
    assert gates(CHRISTMAS) == gates(CHRISTMAS, NOW.replace(month=1))


@pytest.mark.parametrize(
    ("texts", "says"), [({}, "did not come with"), ({"deploy/holidays.ics": "x"}, "cannot be read")]
)
def test_a_calendar_that_is_not_there_is_a_problem_with_its_line(texts: dict[str, str], says: str) -> None:
    with pytest.raises(SpecificationError) as raised:
        gates(texts)
    (problem,) = raised.value.problems
    assert says in problem.remedy
    assert problem.field.endswith("gates[0].freeze.calendar")
    assert problem.line


@pytest.mark.parametrize(
    ("freeze", "expected"),
    [
        ('{cron: "0 22 * * fri", for: 10h, zone: UTC}', CronFreeze),
        ("2026-12-18 16:00 - 2027-01-04 08:00 Europe/London", DatesFreeze),
    ],
)
def test_the_other_ways_to_write_one(freeze: str, expected: type) -> None:
    spec = read(production(f"gates: [{{freeze: {freeze}}}]"), "headgate.yaml")
    (gate,) = next(one.gates for one in application(spec, "/s", "f").environments if one.name == "production")
    assert isinstance(gate, expected)


@pytest.mark.parametrize(
    ("freeze", "says"),
    [
        ('{cron: "0 22 * *", for: 10h, zone: UTC}', "five fields"),
        ('{cron: "0 0 30 2 *", for: 10h, zone: UTC}', "day-of-month"),
        ('{cron: "0 22 * * fri", zone: UTC}', "cron and for"),
        ('{cron: "0 22 * * fri", for: 10h}', "zone"),
        ('{cron: "0 22 * * fri", for: 10h, zone: Mars/Olympus}', "Mars/Olympus"),
        ('{cron: "0 22 * * fri", for: 10h, calendar: a.ics, zone: UTC}', "cron and for, or calendar"),
        ("{calendar: ../a.ics, zone: UTC}", "iCalendar file"),
        ("{calendar: /etc/a.ics, zone: UTC}", "iCalendar file"),
        ("2027-01-04 08:00 - 2026-12-18 16:00 UTC", "ends before it starts"),
        ("2026-02-30 08:00 - 2026-12-18 16:00 UTC", "There is no 2026-02-30"),
    ],
)
def test_what_says_no_freeze_is_refused(freeze: str, says: str) -> None:
    with pytest.raises(SpecificationError) as raised:
        read(production(f"gates: [{{freeze: {freeze}}}]"), "headgate.yaml")
    assert any(says in f"{one.field} {one.allowed} {one.remedy}" for one in raised.value.problems)
