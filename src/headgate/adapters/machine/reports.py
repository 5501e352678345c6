"""Reports that a step wrote: JUnit XML as test counts and names, SARIF as findings. Whatever they hold is hostile."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from headgate.model.builds import SEVERITIES, Finding, Findings, Severity, Tally

LARGEST = 20_000_000  # bytes of one report
MOST_REPORTS = 200
MOST_NAMES = 50  # failed tests that are named
MOST_FINDINGS = 50  # that are told
LONGEST_TEXT = 300  # characters
LEVELS: dict[str, Severity] = {"error": "error", "warning": "warning", "note": "note"}


class Unreadable(Exception):
    """A report that is none. The text says which, and why."""


def files(root: Path, pattern: str) -> list[Path]:
    """What matches below a checkout; a link could lead anywhere, so none is followed."""
    top = root.resolve()
    inside = (path for path in root.glob(pattern) if path.is_file() and not path.is_symlink())
    return sorted(islice((path for path in inside if path.resolve().is_relative_to(top)), 10 * MOST_REPORTS))


def tally(root: Path, pattern: str) -> Tally | None:
    """None: there is no report."""
    reports = files(root, pattern)[:MOST_REPORTS]
    cases = [case for path in reports for case in _cases(path, root)]
    failed = [name for state, name in cases if state == "failed"]
    skipped = sum(state == "skipped" for state, _ in cases)
    return Tally(len(cases), len(failed), skipped, tuple(failed[:MOST_NAMES])) if reports else None


def _cases(path: Path, root: Path) -> list[tuple[str, str]]:
    """(passed, failed or skipped; name) of each test."""
    try:
        top: Element = fromstring(_content(path, root), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unreadable(f"{path.relative_to(root)} is no JUnit XML: {shown(error)}") from error
    return [(_state(case), _name(case)) for case in top.iter() if _tag(case) == "testcase"]


def _state(case: Element) -> str:
    inside = {_tag(child) for child in case}
    if inside & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in inside else "passed"


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _name(case: Element) -> str:
    parts = [case.get("classname") or case.get("file") or "", case.get("name") or "a test without a name"]
    return shown("::".join(part for part in parts if part))


def findings(root: Path, pattern: str) -> Findings | None:
    """None: there is no report."""
    reports = files(root, pattern)[:MOST_REPORTS]
    found = [one for path in reports for one in _findings(path, root)]
    found.sort(key=lambda one: SEVERITIES.index(one.severity))
    counts = {str(severity): sum(one.severity == severity for one in found) for severity in SEVERITIES}
    return Findings(counts, tuple(found[:MOST_FINDINGS])) if reports else None


def severe(found: Findings, severity: Severity) -> int:
    """How many are so severe, or more."""
    if severity == "never":
        return 0
    return sum(found.counts.get(one, 0) for one in SEVERITIES[: SEVERITIES.index(severity) + 1])


def _findings(path: Path, root: Path) -> Iterator[Finding]:
    try:
        report = json.loads(_content(path, root))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path.relative_to(root)} is no SARIF: {shown(error)}") from error
    if not isinstance(report, dict) or not isinstance(report.get("runs"), list):
        raise Unreadable(f"{path.relative_to(root)} is no SARIF: it has no list of runs")
    for run in _dicts(report["runs"]):
        rules = {str(rule.get("id")): rule for rule in _dicts(_at(run, "tool", "driver", "rules"))}
        for result in _dicts(run.get("results")):
            severity = _severity(result, rules.get(str(result.get("ruleId")), {}))
            if severity and not result.get("suppressions") and result.get("kind", "fail") == "fail":
                yield _finding(result, severity)


def _severity(result: dict[str, Any], rule: dict[str, Any]) -> Severity | None:
    """A scanner's own score, 0 to 10, says more than its level. None: level none, which is no finding."""
    score = _at(result, "properties", "security-severity") or _at(rule, "properties", "security-severity")
    try:
        value = float(score)
        return "error" if value >= 7 else "warning" if value >= 4 else "note"
    except (TypeError, ValueError):
        level = result.get("level") or _at(rule, "defaultConfiguration", "level") or "warning"
        return None if level == "none" else LEVELS.get(str(level), "warning")


def _finding(result: dict[str, Any], severity: Severity) -> Finding:
    locations = _dicts(result.get("locations"))
    where = _at(locations[0], "physicalLocation") if locations else None
    uri, line = _at(where, "artifactLocation", "uri"), _at(where, "region", "startLine")
    place = f"{uri or 'no place'}:{line}" if line else str(uri or "no place")
    message = _at(result, "message", "text") or "no message"
    return Finding(severity, shown(result.get("ruleId") or "no rule"), shown(message), shown(place))


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, Iterable) else []


def _content(path: Path, root: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise Unreadable(f"{path.relative_to(root)} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST:
        raise Unreadable(f"{path.relative_to(root)} has more than {LARGEST:,} bytes")
    return content


def shown(text: object) -> str:
    """One line, free of what a terminal would obey."""
    whole = str(text)[: LONGEST_TEXT + 1]
    short = whole if len(whole) <= LONGEST_TEXT else f"{whole[: LONGEST_TEXT - 3]}..."
    return "".join(one if one.isprintable() else " " for one in short).strip()
