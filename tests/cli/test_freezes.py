"""freeze, unfreeze and deploy --break-glass, as people type and read them."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import Run, Served
from tests.web.world import FILE

RULES = FILE.replace("  guarded:\n", "  guarded:\n    break_glass: [dan]\n")
HOSTILE = "the \x1b[31msale"


@pytest.fixture
def applied(served: Served, repository: Path) -> Served:
    """v1 may be deployed."""
    served.apply(repository, RULES)
    served.shop.source.commit(str(repository), {"headgate.yaml": RULES}, subject="Make v1", version="v1")
    served.release()
    return served


@pytest.mark.slow
def test_a_freeze_is_said_wherever_someone_looks(headgate: Run, applied: Served) -> None:
    out = headgate("freeze", "staging", "--why", HOSTILE, "--until", "2099-01-01T08:00", "--by", "ann").out
    there = datetime.fromisoformat("2099-01-01T08:00").astimezone(UTC)
    assert out.startswith(f"staging is frozen: no rollout starts until {there:%Y-%m-%d %H:%M} UTC, or ")
    (held,) = headgate("status", "--json").json()["applications"][0]["environments"][0]["frozen"]
    assert datetime.fromisoformat(held["until"]) == there
    assert "v1 waits in staging" in headgate("deploy", "staging", "v1").out
    for look in (("status",), ("pipeline",), ("why", "staging"), ("watch", "guarded")):
        shown = headgate(*look).out
        assert "\x1b" not in shown
        assert look[0] == "watch" or "frozen by ann" in shown
    assert "staging is frozen by ann since " in headgate("status").out
    assert "frozen by ann until 2099-01-01" in headgate("history", "staging", "--events").out
    shorter = headgate("freeze", "staging", "--why", "x", "--until", "1h", "--by", "bob", code=1).err
    assert "ann froze it for longer" in shorter
    assert "`headgate unfreeze staging`" in shorter
    assert headgate("unfreeze", "staging").out == "staging is no longer frozen by itself\n"
    applied.until(lambda: applied.shop.engine.application("shop").wheel("staging").state.stable)
    assert "no freeze holds here" in headgate("unfreeze", "staging", code=1).err


@pytest.mark.slow
def test_the_whole_line_and_who_may_pass_it(headgate: Run, applied: Served) -> None:
    out = headgate("freeze", "--all", "--why", "an incident", "--by", "ann").out
    assert out == (
        "every environment of every application is frozen: no rollout starts until `headgate unfreeze --all`\n"
    )
    burning = ("deploy", "guarded", "v1", "--break-glass")
    assert "dan may" in headgate(*burning, "--why", "it burns", "--by", "ann", code=1).err
    assert "--why TEXT" in headgate(*burning, "--by", "dan", code=1).err
    assert "rolls out in guarded" in headgate(*burning, "--why", "it burns", "--by", "dan").out
    applied.until(lambda: applied.shop.engine.application("shop").wheel("guarded").state.rollout is None)
    assert "v1 pinned, break-glass" in headgate("status").out
    assert "BREAK-GLASS by dan (it burns), 2 closed gates passed" in headgate("history", "guarded").out
    why = headgate("why", "guarded").out
    assert "v1 came here by BREAK-GLASS of dan: it burns" in why
    assert "  closed: 0 of 1 approvals (from ann)" in why
    assert headgate("unfreeze", "--all", "--json").json()["frozen"] is None


@pytest.mark.parametrize("arguments", [("freeze", "--why", "x"), ("freeze", "staging", "--all", "--why", "x")])
def test_what_is_meant_must_be_said(headgate: Run, arguments: tuple[str, ...]) -> None:
    assert "`headgate freeze --all`" in headgate(*arguments, code=2).err


def test_a_reason_must_be_said(headgate: Run) -> None:
    headgate("freeze", "staging", code=2)


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20200101
RRULE:FREQ=DAILY
SUMMARY:Nobody is there
END:VEVENT
END:VCALENDAR
"""
CLOSED = FILE.replace("{approval: {from: [ann], count: 1}}", "{freeze: {calendar: days.ics, zone: UTC}}")


def test_a_calendar_is_read_where_the_file_lies(headgate: Run, work: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=work, check=True, timeout=30)
    (work / "headgate.yaml").write_text(CLOSED)
    assert "A freeze of the file names this calendar" in headgate("apply", "--check", code=1).err
    (work / "days.ics").write_text("hello")
    refused = headgate("apply", "--check", code=1).err
    assert "gates[0].freeze.calendar" in refused
    assert "cannot be read" in refused
    (work / "days.ics").write_text(CALENDAR)
    assert "is right" in headgate("apply", "--check").out


@pytest.mark.slow
def test_an_applied_calendar_closes_the_gate(headgate: Run, repository: Path, served: Served) -> None:
    (repository / "headgate.yaml").write_text(CLOSED)
    (repository / "days.ics").write_text(CALENDAR)
    headgate("apply")
    served.shop.source.commit(str(repository), {"headgate.yaml": CLOSED}, subject="Make v1", version="v1")
    served.release()
    headgate("deploy", "guarded", "v1")
    assert "freeze until " in headgate("why", "guarded").out
