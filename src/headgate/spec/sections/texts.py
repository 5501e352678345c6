"""The scalars of the file: names, words, paths, numbers and amounts, each with what it allows and its JSON Schema."""

import re
from collections.abc import Callable
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any
from urllib.parse import urlsplit

from headgate.spec import units
from headgate.spec.sections.section import Written
from headgate.spec.tree import Scalar
from headgate.spec.units import Unsuitable

ANY_SCALAR = ["string", "number", "boolean"]  # YAML's 1, true and 1.5 are taken as they are written
NAME_PATTERN = "[a-z][a-z0-9-]{0,38}"
MOST_INSTANCES = 100
GIVEN = ("HOST", "PORT", "APPLICATION", "ENVIRONMENT", "SERVICE", "RELEASE", "REVISION", "DATA_DIR")
RESERVED = re.compile(f"{'|'.join(GIVEN)}|HEADGATE_.*")  # variables that Headgate sets for every instance


def matching(pattern: str, allowed: str, remedy: str) -> Written:
    def parse(scalar: Scalar) -> str:
        if not re.fullmatch(pattern, scalar.text):
            raise Unsuitable(allowed, remedy)
        return scalar.text

    return Written(parse, allowed, {"type": "string", "pattern": f"^(?:{pattern})$", "description": allowed})


def one_word_of(*words: str) -> Written:
    allowed = ", ".join(words)

    def parse(scalar: Scalar) -> str:
        if scalar.text not in words:
            close = get_close_matches(scalar.text.lower(), words, 1)
            raise Unsuitable(allowed, f"Did you mean {close[0]}?" if close else "Write one of these.")
        return scalar.text

    return Written(parse, allowed, {"enum": list(words)})


def whole(low: int, high: int) -> Written:
    allowed = f"a whole number from {low} to {high}"

    def parse(scalar: Scalar) -> int:
        if not re.fullmatch("0|[1-9][0-9]{0,8}", scalar.text) or not low <= int(scalar.text) <= high:
            raise Unsuitable(allowed, f"Write a number from {low} to {high}.")
        if scalar.kind != "number":
            raise Unsuitable(allowed, f"Write {scalar.text} without quotes.")
        return int(scalar.text)

    return Written(parse, allowed, {"type": "integer", "minimum": low, "maximum": high})


def amount(read: Any, allowed: str, pattern: str) -> Written:
    pattern = pattern if pattern.startswith("^") else f"^{pattern}$"
    return Written(
        lambda scalar: read(scalar.text), allowed, {"type": "string", "pattern": pattern, "description": allowed}
    )


def some(read: Callable[[str], float], allowed: str, pattern: str) -> Any:
    """More than none: no finite number of requests proves that two versions are equal."""

    def above_zero(text: str) -> float:
        if not (found := read(text)):
            raise Unsuitable(f"more than 0, {allowed}", "Allow some: equality cannot be proven.")
        return found

    return amount(above_zero, allowed, pattern)


def duration(at_least: str = "0s", at_most: str = "365d") -> Written:
    low, high = units.duration(at_least), units.duration(at_most)

    def read(text: str) -> timedelta:
        return units.duration(text, low, high)

    return amount(read, units.DURATIONS, units.DURATION_PATTERN)


def _flag(scalar: Scalar) -> bool:
    if scalar.kind != "flag":
        raise Unsuitable("true or false", "Write true or false, without quotes.")
    return scalar.text.lower() == "true"


def _name(scalar: Scalar) -> str:
    if not re.fullmatch(NAME_PATTERN, scalar.text):
        close = re.sub("[^a-z0-9]+", "-", scalar.text.lower()).lstrip("-0123456789")[:39].rstrip("-")
        raise Unsuitable(NAMES, f"Write {close}." if close else "Choose such a name.")
    return scalar.text


def _folder(scalar: Scalar) -> str:
    parts = scalar.text.split("/")
    if not re.fullmatch(FOLDER_PATTERN, scalar.text) or ".." in parts or parts[0] == "":
        raise Unsuitable(FOLDERS, "Write a path such as services/web, or `.` for the repository itself.")
    return scalar.text.rstrip("/")


def _pattern(scalar: Scalar) -> str:
    parts = scalar.text.split("/")
    if not re.fullmatch(GLOB_PATTERN, scalar.text) or ".." in parts or "" in parts:
        raise Unsuitable(GLOBS, "Write a path such as reports/*.xml or dist/**/*.")
    return scalar.text


def _variable(scalar: Scalar) -> str:
    if not re.fullmatch(VARIABLE_PATTERN, scalar.text):
        raise Unsuitable("a variable's name: letters, digits and _", "Write a name such as LOG_LEVEL.")
    if RESERVED.fullmatch(scalar.text):
        allowed = f"names other than {', '.join(GIVEN)} and HEADGATE_*"
        raise Unsuitable(allowed, "Remove it: Headgate sets this variable for every instance.")
    return scalar.text


def _url(scalar: Scalar) -> str:
    if not re.fullmatch(URL_PATTERN, scalar.text):
        raise Unsuitable(URLS, "Write an address such as https://example.org/gate.")
    try:
        parts = urlsplit(scalar.text)
        usable = parts.hostname and parts.port != 0
    except ValueError as error:  # a port or an IPv6 address that is none
        raise Unsuitable(URLS, "Write an address such as https://example.org/gate.") from error
    if not usable or parts.password:
        raise Unsuitable(URLS, "Write it with a host and without a password.")
    return scalar.text


def _text(scalar: Scalar) -> str:
    return scalar.text


NAMES = "a name of lower-case letters, digits and -, beginning with a letter, at most 39 characters"
FOLDERS = "a folder below headgate.yaml's repository, without .."
FOLDER_PATTERN = r"[A-Za-z0-9._@+-][A-Za-z0-9._@+/ -]{0,254}"
GLOBS = "files below the checkout, without ..; * and ** match any"
GLOB_PATTERN = r"[A-Za-z0-9._@+*?-][A-Za-z0-9._@+*?/ -]{0,254}"
def _cpus(scalar: Scalar) -> float:
    if not re.fullmatch(units.NUMBER, scalar.text) or not 0.01 <= float(scalar.text) <= 1000:
        raise Unsuitable("a number of processors, 0.01 to 1000", "Write a number such as 0.5.")
    return float(scalar.text)


VARIABLE_PATTERN = "[A-Za-z_][A-Za-z0-9_]{0,254}"
URL_PATTERN = r"https?://[!-~]{1,2000}"
URLS = "an address that begins with http:// or https://"
USER_PATTERN = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}"
HEADER_PATTERN = "[A-Za-z0-9][A-Za-z0-9-]{0,63}"

Text = Annotated[str, Written(_text, "text", {"type": ANY_SCALAR})]
Line = Annotated[str, matching("[^\n\r\x00-\x1f]{1,500}", "one line of text", "Write text on one line.")]
Flag = Annotated[bool, Written(_flag, "true or false", {"type": "boolean"})]
Name = Annotated[str, Written(_name, NAMES, {"type": "string", "pattern": f"^{NAME_PATTERN}$", "description": NAMES})]
ADAPTER = matching("[a-z][a-z0-9_-]{0,38}", "the name of an adapter", "Write a name such as process.")
Adapter = Annotated[str, ADAPTER]
Account = Annotated[str, matching(r"[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]{0,199}", "one line of text", "Write one line.")]
Person = Annotated[
    str,
    matching("[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}", "the name of a person or group", "Write a name without spaces."),
]
Variable = Annotated[
    str, Written(_variable, "a variable's name", {"type": "string", "pattern": f"^{VARIABLE_PATTERN}$"})
]
Header = Annotated[str, matching(HEADER_PATTERN, "a header's name", "Write a name such as X-Beta.")]
HeaderValue = Annotated[
    str,
    Written(
        matching("[!-~]([ -~]{0,254}[!-~])?", "printable ASCII text", 'Write text such as "1".').parse,
        "text",
        {"type": ANY_SCALAR},
    ),
]
FOLDER = Written(_folder, FOLDERS, {"type": "string", "pattern": f"^{FOLDER_PATTERN}$"})
Folder = Annotated[str, FOLDER]
Stage = Annotated[
    str, matching("[A-Za-z0-9][A-Za-z0-9._-]{0,127}", "the name of a stage", "Write the name behind its AS.")
]
Argument = Annotated[
    str, matching(VARIABLE_PATTERN, "a build argument's name: letters, digits and _", "Write a name such as BASE.")
]
Pattern = Annotated[str, Written(_pattern, GLOBS, {"type": "string", "pattern": f"^{GLOB_PATTERN}$"})]
Image = Annotated[
    str,
    matching("[a-z0-9][A-Za-z0-9._:/@-]{0,254}", "an image's name", "Write a name such as registry.example.org/web:1."),
]
Workload = Annotated[
    str,
    matching(
        r"([A-Z][A-Za-z]{1,30}/)?[a-z0-9][a-z0-9.-]{0,252}|[A-Z][A-Za-z]{1,30}/[a-z0-9][a-z0-9.-]{0,252}/[a-z0-9-]{1,63}",
        "NAME, KIND/NAME or KIND/NAME/CONTAINER",
        "Write one such as Deployment/web.",
    ),
]
UrlPath = Annotated[str, matching("/[!-~]{0,254}", "a path that begins with /", "Write a path such as /healthz.")]
Url = Annotated[str, Written(_url, URLS, {"type": "string", "pattern": f"^{URL_PATTERN}$"})]
Branch = Annotated[str, matching("[!-~]{1,100}", "a branch's name or pattern", "Write one such as main or feature/*.")]
# With the commit in it, each revert has a branch of its own; the branch itself is the only other one that is meant.
RevertTo = Annotated[
    str,
    matching(
        r"\{branch\}|[A-Za-z0-9_][A-Za-z0-9._/-]{0,50}\{commit\}[A-Za-z0-9_-]{0,20}",
        "a branch with {commit} in its name, or {branch}",
        "Write headgate/revert-{commit} for a new branch, or {branch} for the one that the release came from.",
    ),
]
# No @ but in ssh: a login in an address would stand in the log for ever.
REPOSITORY_PATTERN = (
    r"(?:https?|file)://[!-?A-~]{1,2000}"
    r"|ssh://(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][!-?A-~]{1,2000}"
    r"|[A-Za-z0-9_][A-Za-z0-9_.-]*(?:@[A-Za-z0-9][A-Za-z0-9_.-]*)?:[A-Za-z0-9_~][A-Za-z0-9_./~+-]{0,1000}"
    r"|/[^\x00-\x1f]{0,2000}"
)
Repository = Annotated[
    str,
    matching(
        REPOSITORY_PATTERN,
        "an https, ssh or file address of a git repository, or a folder that begins with /",
        "Write one such as https://git.example.org/shop.git, without a login.",
    ),
]
Port = Annotated[int, whole(1, 65535)]
Instances = Annotated[int, whole(1, MOST_INSTANCES)]
Processes = Annotated[int, whole(10, 1_000_000)]
Weight = Annotated[int, whole(1, 99)]
Count = Annotated[int, whole(1, 1_000_000)]
Duration = Annotated[timedelta, duration()]
Positive = Annotated[timedelta, duration("100ms")]
Seconds = Annotated[timedelta, duration("1s")]
Percentage = Annotated[float, amount(units.percentage, units.PERCENTAGES, units.PERCENTAGE_PATTERN)]
SomeShare = Annotated[float, some(units.percentage, units.PERCENTAGES, units.PERCENTAGE_PATTERN)]
Growth = Annotated[
    float, amount(lambda text: units.percentage(text, 1000), units.PERCENTAGES, units.PERCENTAGE_PATTERN)
]
SomePoints = Annotated[float, some(units.points, units.POINTS, units.POINTS_PATTERN)]
SomeGrowth = Annotated[
    float, some(lambda text: units.percentage(text, 1000), units.PERCENTAGES, units.PERCENTAGE_PATTERN)
]
Points = Annotated[float, amount(units.points, units.POINTS, units.POINTS_PATTERN)]
Rate = Annotated[float, amount(units.rate, units.RATES, units.RATE_PATTERN)]
Size = Annotated[int, amount(units.size, units.SIZES, units.SIZE_PATTERN)]
Cpus = Annotated[float, Written(_cpus, "a number of processors", {"type": "number", "minimum": 0.01, "maximum": 1000})]
User = Annotated[str, matching(f"{USER_PATTERN}(:{USER_PATTERN})?", "USER or USER:GROUP", 'Write such as "1000:1000".')]
UserNumber = Annotated[
    str, matching("[0-9]{1,9}(:[0-9]{1,9})?", "numbers, UID or UID:GID", 'Write such as "1000:1000": files need them.')
]
