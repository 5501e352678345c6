"""Reports are read for what they say, and whatever they hold does no harm."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.adapters.machine.reports import Unreadable, findings, severe, tally

PYTEST = """\
<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">
<testcase classname="tests.test_a" name="test_good" time="0.001" />
<testcase classname="tests.test_a" name="test_bad[x]"><failure message="assert 1 == 2">...</failure></testcase>
<testcase classname="" name="tests.test_b"><error message="collection failure">...</error></testcase>
<testcase classname="tests.test_a" name="test_later"><skipped type="pytest.skip" /></testcase>
</testsuite></testsuites>"""
BOMB = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'
OUTSIDE = '<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&x;"/></testsuite>'


def test_counts_and_names(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(PYTEST)
    found = tally(tmp_path, "*.xml")
    assert found is not None
    assert (found.total, found.failed, found.skipped) == (4, 2, 1)
    assert found.names == ("tests.test_a::test_bad[x]", "tests.test_b")


def test_several_reports_are_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.xml").write_text(PYTEST)
    found = tally(tmp_path, "*.xml")
    assert found is not None
    assert found.total == 8


def test_none_is_none(tmp_path: Path) -> None:
    assert tally(tmp_path, "*.xml") is None
    assert findings(tmp_path, "*.sarif") is None


NO_JUNIT = {"empty": "", "text": "no xml", "open": "<a>", "bomb": BOMB, "file": OUTSIDE, "two": "<a/><a/>"}


@pytest.mark.parametrize("text", NO_JUNIT.values(), ids=NO_JUNIT)
def test_what_is_no_junit_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(Unreadable, match=r"^a\.xml is no JUnit XML"):
        tally(tmp_path, "a.xml")


def test_names_cannot_command_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<s><testcase name='a&#x9b;31m&#10;b' ><failure/></testcase></s>")
    found = tally(tmp_path, "a.xml")
    assert found is not None
    assert found.names == ("a 31m b",)


@pytest.mark.parametrize("name", ["../out.xml", "a/../../out.xml"])
def test_nothing_outside_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "out.xml").write_text(PYTEST)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").mkdir()
    assert tally(tmp_path / "in", name) is None


def sarif(*results: Any, rules: Any = ()) -> str:
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"rules": list(rules)}}, "results": results}]})


def result(rule: str = "R1", **more: Any) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": "src/a.py"}, "region": {"startLine": 7}}}
    return {"ruleId": rule, "message": {"text": "not so"}, "locations": [place], **more}


@pytest.mark.parametrize(
    ("one", "rules", "severity"),
    [
        (result(level="error"), [], "error"),
        (result(), [], "warning"),
        (result(level="note"), [], "note"),
        (result(), [{"id": "R1", "defaultConfiguration": {"level": "error"}}], "error"),
        (result(level="note"), [{"id": "R1", "properties": {"security-severity": "9.8"}}], "error"),
        (result(level="error"), [{"id": "R1", "properties": {"security-severity": "2.0"}}], "note"),
        (result(level="something new"), [], "warning"),
        (result(level="none"), [], None),
        (result(kind="pass"), [], None),
        (result(level="error", suppressions=[{"kind": "inSource"}]), [], None),
    ],
)
def test_severities(tmp_path: Path, one: dict[str, Any], rules: list[Any], severity: str | None) -> None:
    (tmp_path / "a.sarif").write_text(sarif(one, rules=rules))
    found = findings(tmp_path, "a.sarif")
    assert found is not None
    assert [finding.severity for finding in found.worst] == ([severity] if severity else [])


def test_findings_say_where_and_what_the_worst_first(tmp_path: Path) -> None:
    (tmp_path / "a.sarif").write_text(sarif(result("low", level="note"), result("high", level="error")))
    found = findings(tmp_path, "a.sarif")
    assert found is not None
    first = found.worst[0]
    assert (first.rule, first.place, first.message) == ("high", "src/a.py:7", "not so")
    assert found.counts == {"error": 1, "warning": 0, "note": 1}
    assert [severe(found, one) for one in ("error", "warning", "note", "never")] == [1, 1, 2, 0]  # type: ignore[arg-type]


KEYS = st.sampled_from(
    ["runs", "results", "tool", "driver", "rules", "level", "locations", "message", "properties", "id", "kind"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_whatever_a_report_holds_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    folder = tmp_path_factory.mktemp("r")
    (folder / "a.sarif").write_text(json.dumps({"runs": [content, {"results": content, "tool": content}]}))
    (folder / "b.sarif").write_text(json.dumps(content))
    assert findings(folder, "a.sarif") is not None
    with suppress(Unreadable):
        findings(folder, "b.sarif")
