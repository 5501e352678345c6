"""Amounts as people write them: every duration, share and rate carries its unit. Pure text in, values out."""

import re
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headgate.model.rules import FreezeGate

NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"
MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
DURATION_PATTERN = "^(?=.)" + "".join(f"({NUMBER}{unit})?" for unit in ("d", "h", "m(?!s)", "s", "ms")) + "$"
PERCENTAGE_PATTERN = f"^{NUMBER}%$"
POINTS_PATTERN = f"^{NUMBER}pp$"
RATE_PATTERN = f"^{NUMBER}/(s|min)$"
BYTES = {"MB": 1000**2, "MiB": 1024**2, "GB": 1000**3, "GiB": 1024**3}
SIZE_PATTERN = f"^{NUMBER}({'|'.join(BYTES)})$"
FREEZE_PATTERN = (
    r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):([0-5][0-9]) - "
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):([0-5][0-9]) ([A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2})$"
)

DURATIONS = "a duration with a unit (500ms, 1s, 30m, 2h, 7d, 1h30m)"
PERCENTAGES = "a percentage (0.1%, 20%)"
POINTS = "percentage points (0.5pp)"
RATES = "a rate per second or minute (500/s, 1500/min)"
SIZES = "a size in memory with its unit (512MiB, 1.5GiB; 500MB)"
FREEZES = 'a weekly window with its time zone ("Fri 16:00 - Mon 08:00 Europe/London")'
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SMALLEST = 6 * 1024**2  # bytes
LONGEST = timedelta(days=365)
OTHER_NAMES = {
    "d": ("day", "days"),
    "h": ("hr", "hrs", "hour", "hours"),
    "m": ("min", "mins", "minute", "minutes"),
    "s": ("sec", "secs", "second", "seconds"),
    "ms": ("msec", "millis", "milliseconds"),
}


class Unsuitable(ValueError):
    """A text is not what is allowed in its place. `remedy` is a sentence."""

    def __init__(self, allowed: str, remedy: str) -> None:
        self.allowed = allowed
        self.remedy = remedy
        super().__init__(f"{allowed}. {remedy}")


def duration(text: str, at_least: timedelta = timedelta(0), at_most: timedelta = LONGEST) -> timedelta:
    if not re.fullmatch(DURATION_PATTERN, text):
        raise Unsuitable(DURATIONS, _duration_remedy(text))
    parts = re.findall(f"({NUMBER})(ms|[dhms])", text)
    total = timedelta(microseconds=int(sum(Decimal(number) * MICROSECONDS[unit] for number, unit in parts)))
    if not at_least <= total <= at_most:
        bounds = f"from {written(at_least)} to {written(at_most)}"
        raise Unsuitable(f"a duration {bounds}", f"Write a duration {bounds}.")
    return total


def percentage(text: str, at_most: int = 100) -> float:
    """A share: 0.1% is 0.001."""
    if not re.fullmatch(PERCENTAGE_PATTERN, text):
        raise Unsuitable(PERCENTAGES, _number_remedy(text, "%"))
    return _share(text.removesuffix("%"), at_most, "%")


def points(text: str) -> float:
    """A difference of shares: 0.5pp is 0.005."""
    if not re.fullmatch(POINTS_PATTERN, text):
        raise Unsuitable(POINTS, _number_remedy(text.removesuffix("%"), "pp"))
    return _share(text.removesuffix("pp"), 100, "pp")


def rate(text: str) -> float:
    """Per second."""
    if not re.fullmatch(RATE_PATTERN, text):
        raise Unsuitable(RATES, _number_remedy(text, "/s"))
    number, _, unit = text.partition("/")
    per_second = float(Decimal(number) / (60 if unit == "min" else 1))
    if not per_second:
        raise Unsuitable("a rate above 0", "Write a rate such as 500/s.")
    return per_second


def size(text: str) -> int:
    """Bytes, whole megabytes and more: 6 MB is the least that the Docker Engine takes for a limit."""
    if not re.fullmatch(SIZE_PATTERN, text):
        raise Unsuitable(SIZES, _number_remedy(text, "MiB"))
    number, unit = re.findall(f"^({NUMBER})(.*)$", text)[0]
    found = int(Decimal(number) * BYTES[unit])
    if found < SMALLEST:
        raise Unsuitable("at least 6MiB", "Write a size such as 512MiB.")
    return found


def freeze(text: str) -> FreezeGate:
    found = re.fullmatch(FREEZE_PATTERN, text)
    if not found:
        raise Unsuitable(FREEZES, "Write day and time of start and end, and an IANA time zone.")
    day, hour, minute, end_day, end_hour, end_minute, zone, _ = found.groups()
    gate = FreezeGate(_of_week(day, hour, minute), _of_week(end_day, end_hour, end_minute), zone)
    if gate.start == gate.end:
        raise Unsuitable(FREEZES, "It ends when it starts: write another end.")
    known_zone(zone)
    return gate


def _of_week(day: str, hour: str, minute: str) -> timedelta:
    return timedelta(days=DAYS.index(day), hours=int(hour), minutes=int(minute))


def written(span: timedelta) -> str:
    """A duration as the file writes it: `duration(written(d)) == d` to the microsecond."""
    left = span // timedelta(microseconds=1)
    text = ""
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, MICROSECONDS[unit])
        text += f"{count}{unit}" if count else ""
    if left:
        text += f"{Decimal(left) / 1000}ms"
    return text or "0s"


def _share(number: str, at_most: int, unit: str) -> float:
    value = Decimal(number)
    if value > at_most:
        raise Unsuitable(f"from 0{unit} to {at_most}{unit}", f"Write at most {at_most}{unit}.")
    return float(value / 100)


def known_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: "Europe" names a folder
        raise Unsuitable("an IANA time zone (Europe/London, UTC)", f"There is no time zone {zone}.") from error


def _duration_remedy(text: str) -> str:
    if re.fullmatch(NUMBER, text):
        return f"A number needs a unit: write {text}s or {text}m."
    found = re.fullmatch(f"({NUMBER}) *([a-z]+)", text.lower())
    units = [unit for unit, names in OTHER_NAMES.items() if found and found[2] in (unit, *names)]
    if found and units:
        return f"Write {found[1]}{units[0]}."
    return "Write a number and its unit, larger units first."


def _number_remedy(text: str, unit: str) -> str:
    found = re.fullmatch(f"({NUMBER}) *%?", text)
    return f"A number needs its unit: write {found[1]}{unit}." if found else f"Write a number and its unit {unit}."
