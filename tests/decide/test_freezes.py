"""Freezes: which moments of the week are closed, in local time, whatever daylight saving does to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.given import BOTH, CANARY, NOW, V2, request, rollout, routes, seen, state, turn

from headgate.decide.freezes import UnknownDays, UnknownZone, thaw
from headgate.decide.gates import closed_gates
from headgate.model.freezes import Closure, CronFreeze, DatesFreeze
from headgate.model.rules import FreezeGate, Frozen
from headgate.spec.units import freeze

WEEKEND = freeze("Fri 16:00 - Mon 08:00 Europe/London")
MOMENTS = st.integers(0, 15 * 366 * 86_400).map(lambda s: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
LOOK = seen({"v1": "ready ready"}, routes({"v1": 100}))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "now", "ends"),
    [
        ("Fri 16:00 - Mon 08:00 Europe/London", "2026-11-20T15:59:59+00:00", None),
        ("Fri 16:00 - Mon 08:00 Europe/London", "2026-11-20T16:00:00+00:00", "2026-11-23T08:00:00+00:00"),
        ("Fri 16:00 - Mon 08:00 Europe/London", "2026-11-23T07:59:59+00:00", "2026-11-23T08:00:00+00:00"),
        ("Fri 16:00 - Mon 08:00 Europe/London", "2026-11-23T08:00:00+00:00", None),
        ("Fri 16:00 - Mon 08:00 Europe/London", "2026-07-17T15:00:00+00:00", "2026-07-20T07:00:00+00:00"),  # summer
        ("Fri 16:00 - Mon 08:00 Europe/London", "2026-07-17T14:59:00+00:00", None),
        ("Mon 09:00 - Mon 17:00 Asia/Tokyo", "2026-11-23T00:00:00+00:00", "2026-11-23T08:00:00+00:00"),
        ("Mon 09:00 - Mon 17:00 Asia/Tokyo", "2026-11-22T23:59:00+00:00", None),
        ("Mon 17:00 - Mon 09:00 UTC", "2026-11-25T12:00:00+00:00", "2026-11-30T09:00:00+00:00"),  # all but eight hours
        ("Mon 17:00 - Mon 09:00 UTC", "2026-11-23T12:00:00+00:00", None),
        ("Sun 23:00 - Mon 01:00 Pacific/Auckland", "2026-11-22T10:30:00+00:00", "2026-11-22T12:00:00+00:00"),
        # 29 March 2026, London: the clock goes from 01:00 to 02:00. The window is an hour shorter.
        ("Sat 22:00 - Sun 06:00 Europe/London", "2026-03-28T22:00:00+00:00", "2026-03-29T05:00:00+00:00"),
        # 25 October 2026, London: 01:00 to 02:00 comes twice. A window there holds through both.
        ("Sun 01:15 - Sun 01:45 Europe/London", "2026-10-25T00:15:00+00:00", "2026-10-25T01:45:00+00:00"),
        ("Sun 01:15 - Sun 01:45 Europe/London", "2026-10-25T01:44:00+00:00", "2026-10-25T01:45:00+00:00"),
        ("Sun 01:15 - Sun 01:45 Europe/London", "2026-10-25T01:45:00+00:00", None),
        # An hour that does not exist closes the time around it: doubt is closed.
        ("Sun 01:15 - Sun 01:45 Europe/London", "2026-03-29T01:20:00+00:00", "2026-03-29T01:45:00+00:00"),
    ],
)
def test_when_it_holds_and_when_it_ends(window: str, now: str, ends: str | None) -> None:
    assert thaw(freeze(window), at(now)) == (at(ends) if ends else None)


@given(
    st.integers(0, 7 * 24 * 60 - 1),
    st.integers(1, 7 * 24 * 60 - 1),
    MOMENTS,
    st.sampled_from(["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_it_is_what_the_clock_on_the_wall_says(start: int, length: int, now: datetime, zone: str) -> None:
    """Except within a day of a change of the clock, where a window may be longer than it says."""
    end = (start + length) % (7 * 24 * 60)
    gate = FreezeGate(timedelta(minutes=start), timedelta(minutes=end), zone)
    local = now.astimezone(ZoneInfo(zone))
    offsets = {(now + timedelta(days=days)).astimezone(ZoneInfo(zone)).utcoffset() for days in range(-8, 9)}
    since = timedelta(days=local.weekday(), hours=local.hour, minutes=local.minute, seconds=local.second)
    inside = (since - gate.start) % timedelta(weeks=1) < timedelta(minutes=length)
    if len(offsets) == 1:
        assert (thaw(gate, now) is not None) == inside
    ends = thaw(gate, now)
    assert ends is None or now < ends <= now + timedelta(weeks=1, hours=2)


@given(MOMENTS)
def test_after_its_end_it_is_open(now: datetime) -> None:
    ends = thaw(WEEKEND, now)
    if ends:
        assert thaw(WEEKEND, ends) is None
        assert thaw(WEEKEND, ends - timedelta(seconds=1)) == ends


def held(gate: Frozen, kind: str = "deploy") -> list[str]:
    look = replace(LOOK, rules=replace(CANARY, gates=(gate,)))
    asked = replace(request(V2), kind=kind)
    return [one.why for one in closed_gates(look.rules, asked, state(), look, NOW)]


NOW_FROZEN = FreezeGate(
    timedelta(days=NOW.weekday(), hours=NOW.hour), timedelta(days=NOW.weekday(), hours=NOW.hour, minutes=90), "UTC"
)


def test_no_rollout_starts_and_people_are_told_until_when() -> None:
    waiting = state(waiting=request(V2))
    look = replace(LOOK, rules=replace(CANARY, gates=(NOW_FROZEN,)))
    assert turn(waiting, look) == ([], [])
    (why,) = held(NOW_FROZEN)
    assert why.startswith("freeze until ")
    assert "UTC, in 1 h" in why


@pytest.mark.parametrize(
    "gate", [NOW_FROZEN, CronFreeze("* * * * *", timedelta(hours=1), "UTC"), DatesFreeze("UTC", calendar="days.ics")]
)
def test_a_canary_in_flight_goes_on(gate: Frozen) -> None:
    flying, look = state(rollout("weight 5")), seen(BOTH, routes({"v2": 5, "v1": 95}))
    assert held(gate)
    assert turn(flying, replace(look, rules=replace(CANARY, gates=(gate,)))) == turn(flying, look)


def test_a_way_back_is_never_frozen() -> None:
    assert held(NOW_FROZEN, "rollback") == []


def test_a_zone_that_is_not_known_is_closed() -> None:
    with pytest.raises(UnknownZone):
        thaw(replace(WEEKEND, zone="Mars/Olympus"), NOW)
    (why,) = held(replace(WEEKEND, zone="Mars/Olympus"))
    assert "Mars/Olympus" in why
    assert "tzdata" in why


LONDON = "Europe/London"


@pytest.mark.parametrize(
    ("cron", "hours", "zone", "now", "ends"),
    [
        ("0 22 * * fri", 10, LONDON, "2026-11-20T21:59:59+00:00", None),
        ("0 22 * * fri", 10, LONDON, "2026-11-20T22:00:00+00:00", "2026-11-21T08:00:00+00:00"),
        ("0 22 * * fri", 10, LONDON, "2026-11-21T07:59:59+00:00", "2026-11-21T08:00:00+00:00"),
        ("0 22 * * fri", 10, LONDON, "2026-11-21T08:00:00+00:00", None),
        ("0 22 * * fri", 10, LONDON, "2026-07-17T21:00:00+00:00", "2026-07-18T07:00:00+00:00"),  # summer
        ("0 0 1 1 *", 48, "Asia/Kolkata", "2026-12-31T18:30:00+00:00", "2027-01-02T18:30:00+00:00"),
        ("0 0 L * *", 24, "UTC", "2028-02-29T12:00:00+00:00", "2028-03-01T00:00:00+00:00"),  # the last of a month
        ("0 * * * *", 1, "UTC", "2026-11-20T21:59:59+00:00", "2026-11-20T22:00:00+00:00"),  # always
        ("0 9 * * mon", 24 * 31, "UTC", "2026-11-25T00:00:00+00:00", "2026-12-24T09:00:00+00:00"),  # latest ends last
        # 29 March 2026: the clock goes from 01:00 to 02:00. What begins in between begins on either side.
        ("30 1 * * *", 1, LONDON, "2026-03-29T00:29:59+00:00", None),
        ("30 1 * * *", 1, LONDON, "2026-03-29T00:30:00+00:00", "2026-03-29T01:30:00+00:00"),
        ("30 1 * * *", 1, LONDON, "2026-03-29T01:30:00+00:00", None),
        ("0 22 * * sat", 8, LONDON, "2026-03-29T04:59:59+00:00", "2026-03-29T05:00:00+00:00"),  # an hour shorter
        # 25 October 2026: 01:00 to 02:00 comes twice. It holds from the first to the second.
        ("15 1 * * *", 0.5, LONDON, "2026-10-25T00:15:00+00:00", "2026-10-25T01:45:00+00:00"),
        ("15 1 * * *", 0.5, LONDON, "2026-10-25T01:05:00+00:00", "2026-10-25T01:45:00+00:00"),
        ("15 1 * * *", 0.5, LONDON, "2026-10-25T01:45:00+00:00", None),
        ("0 22 * * sat", 8, LONDON, "2026-10-25T05:59:59+00:00", "2026-10-25T06:00:00+00:00"),  # an hour longer
        # Lord Howe's clock moves by half an hour: 02:00 to 02:30 is not there on 4 October 2026.
        ("15 2 * * *", 0.25, "Australia/Lord_Howe", "2026-10-03T15:15:00+00:00", "2026-10-03T15:30:00+00:00"),
        # Samoa had no 30 December 2011 at all.
        ("0 8 * * *", 2, "Pacific/Apia", "2011-12-30T18:00:00+00:00", "2011-12-30T20:00:00+00:00"),
    ],
)
def test_by_cron_it_holds_for_so_long_by_the_clock_on_the_wall(
    cron: str, hours: float, zone: str, now: str, ends: str | None
) -> None:
    assert thaw(CronFreeze(cron, timedelta(hours=hours), zone), at(now)) == (at(ends) if ends else None)


@given(MOMENTS, st.integers(0, 23), st.integers(0, 59), st.integers(1, 30 * 60), st.sampled_from(["UTC", LONDON]))
def test_a_daily_cron_is_what_a_weekly_window_is(now: datetime, hour: int, minute: int, length: int, zone: str) -> None:
    """Two ways to the same answer: seven windows of a week, one for each day."""
    cron = CronFreeze(f"{minute} {hour} * * *", timedelta(minutes=length), zone)
    day, week = timedelta(days=1), timedelta(weeks=1)
    starts = [n * day + timedelta(hours=hour, minutes=minute) for n in range(7)]
    each = [thaw(FreezeGate(start, (start + timedelta(minutes=length)) % week, zone), now) for start in starts]
    assert thaw(cron, now) == max((one for one in each if one), default=None)


HOLIDAYS = DatesFreeze(
    LONDON,
    (
        Closure(at("2026-12-24T12:00:00+00:00"), at("2026-12-27T00:00:00+00:00"), "Christmas"),
        Closure(at("2026-12-26T00:00:00+00:00"), at("2027-01-04T08:00:00+00:00"), "the books"),
    ),
)


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-12-24T11:59:59+00:00", None),
        ("2026-12-24T12:00:00+00:00", "2026-12-27T00:00:00+00:00"),
        ("2026-12-26T00:00:00+00:00", "2027-01-04T08:00:00+00:00"),  # two hold: the later end
        ("2027-01-04T08:00:00+00:00", None),
    ],
)
def test_between_dates(now: str, ends: str | None) -> None:
    assert thaw(HOLIDAYS, at(now)) == (at(ends) if ends else None)


@pytest.mark.parametrize(
    ("known_until", "says"), [(None, "was not read"), (NOW, f"was read up to {NOW:%Y-%m-%d}; apply the file again")]
)
def test_what_no_calendar_knows_is_closed(known_until: datetime | None, says: str) -> None:
    gate = DatesFreeze("UTC", (), "deploy/holidays.ics", known_until)
    with pytest.raises(UnknownDays):
        thaw(gate, NOW)
    (why,) = held(gate)
    assert says in why
    assert thaw(replace(gate, known_until=NOW + timedelta(seconds=1)), NOW) is None


def test_a_long_one_tells_the_day() -> None:
    gate = DatesFreeze("UTC", (Closure(NOW, NOW + timedelta(days=20)),))
    assert f"{NOW + timedelta(days=20):%a %d %b %Y %H:%M} UTC" in held(gate)[0]
