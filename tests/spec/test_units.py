"""Amounts with units: what is read, what is refused and with which words, and that writing reads back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.rules import FreezeGate
from headgate.spec import units
from headgate.spec.units import Unsuitable

SHORT = "a duration with a unit (500ms, 1s, 30m, 2h, 7d, 1h30m)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("1s", timedelta(seconds=1)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("1h30m", timedelta(minutes=90)),
        ("1d2h3m4s5ms", timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=5)),
        ("1.5h", timedelta(minutes=90)),
        ("0.1s", timedelta(milliseconds=100)),
        ("30m500ms", timedelta(minutes=30, milliseconds=500)),
        ("0s", timedelta(0)),
        ("365d", timedelta(days=365)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert units.duration(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", f"{SHORT}. A number needs a unit: write 30s or 30m."),
        ("1.5", f"{SHORT}. A number needs a unit: write 1.5s or 1.5m."),
        ("30 min", f"{SHORT}. Write 30m."),
        ("2 hours", f"{SHORT}. Write 2h."),
        ("2H", f"{SHORT}. Write 2h."),
        ("1m1h", f"{SHORT}. Write a number and its unit, larger units first."),
        ("", f"{SHORT}. Write a number and its unit, larger units first."),
        ("-1s", f"{SHORT}. Write a number and its unit, larger units first."),
        ("1w", f"{SHORT}. Write a number and its unit, larger units first."),
        ("1s\n", f"{SHORT}. Write a number and its unit, larger units first."),
        ("٣s", f"{SHORT}. Write a number and its unit, larger units first."),
        ("366d", "a duration from 0s to 365d. Write a duration from 0s to 365d."),
        ("999999999d999999999d", f"{SHORT}. Write a number and its unit, larger units first."),
    ],
)
def test_what_is_no_duration(text: str, message: str) -> None:
    with pytest.raises(Unsuitable) as error:
        units.duration(text)
    assert str(error.value) == message


@given(st.timedeltas(min_value=timedelta(0), max_value=units.LONGEST))
def test_a_duration_reads_back(span: timedelta) -> None:
    assert units.duration(units.written(span)) == span


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (units.percentage, "0.1%", 0.001),
        (units.percentage, "100%", 1.0),
        (units.percentage, "0%", 0.0),
        (units.points, "0.5pp", 0.005),
        (units.rate, "500/s", 500.0),
        (units.rate, "1500/min", 25.0),
        (units.rate, "0.5/s", 0.5),
        (units.size, "512MiB", 512 * 1024**2),
        (units.size, "1.5GiB", 1536 * 1024**2),
        (units.size, "10MB", 10_000_000),
    ],
)
def test_shares_and_rates(read, text: str, expected: float) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("read", "text", "remedy"),
    [
        (units.percentage, "20", "A number needs its unit: write 20%."),
        (units.percentage, "20 %", "A number needs its unit: write 20%."),
        (units.percentage, "101%", "Write at most 100%."),
        (units.percentage, "a%", "Write a number and its unit %."),
        (units.points, "0.5", "A number needs its unit: write 0.5pp."),
        (units.points, "0.5%", "A number needs its unit: write 0.5pp."),
        (units.points, "101pp", "Write at most 100pp."),
        (units.rate, "500", "A number needs its unit: write 500/s."),
        (units.rate, "500/h", "Write a number and its unit /s."),
        (units.rate, "0/s", "Write a rate such as 500/s."),
        (units.size, "512", "A number needs its unit: write 512MiB."),
        (units.size, "512m", "Write a number and its unit MiB."),
        (units.size, "1MiB", "Write a size such as 512MiB."),
    ],
)
def test_what_is_no_share_or_rate(read, text: str, remedy: str) -> None:
    with pytest.raises(Unsuitable) as error:
        read(text)
    assert error.value.remedy == remedy


def test_a_freeze_window() -> None:
    expected = FreezeGate(timedelta(days=4, hours=16), timedelta(hours=8), "Europe/London")
    assert units.freeze("Fri 16:00 - Mon 08:00 Europe/London") == expected
    assert units.freeze("Sun 23:59 - Mon 00:00 UTC") == FreezeGate(
        timedelta(days=6, hours=23, minutes=59), timedelta(0), "UTC"
    )


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("Fri 16:00", "Write day and time of start and end, and an IANA time zone."),
        ("Fri 24:00 - Mon 08:00 UTC", "Write day and time of start and end, and an IANA time zone."),
        ("fri 16:00 - Mon 08:00 UTC", "Write day and time of start and end, and an IANA time zone."),
        ("Fri 16:00 - Mon 08:00", "Write day and time of start and end, and an IANA time zone."),
        ("Fri 16:00 - Mon 08:00 ../../etc/passwd", "Write day and time of start and end, and an IANA time zone."),
        ("Fri 16:00 - Fri 16:00 UTC", "It ends when it starts: write another end."),
        ("Fri 16:00 - Mon 08:00 Europe/Londn", "There is no time zone Europe/Londn."),
        ("Fri 16:00 - Mon 08:00 Europe", "There is no time zone Europe."),
    ],
)
def test_what_is_no_freeze_window(text: str, remedy: str) -> None:
    with pytest.raises(Unsuitable) as error:
        units.freeze(text)
    assert error.value.remedy == remedy


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (units.duration, units.percentage, units.points, units.rate, units.size, units.freeze):
        try:
            read(text)
        except Unsuitable as error:
            assert error.allowed  # noqa: PT017 - either way is fine
            assert error.remedy  # noqa: PT017
