"""What checks came to, in one line and attempt by attempt."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.decide.given import V1, V2, rollout, state

from headgate.engine.check_views import checked, counted, known, line, results
from headgate.model.checks import CheckKind, CheckResult
from headgate.model.ids import JobId, RolloutId

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def result(
    name: str, kind: CheckKind = "run", preview: bool = True, outcome: Any = "passed", **more: Any
) -> CheckResult:
    told = {"sentence": "", "attempt": 1, "attempts": 1, "job": JobId(f"rol_2-{name}-1"), **more}
    return CheckResult(name, kind, preview, outcome, rollout=RolloutId("rol_2"), at=NOW, **told)


LOAD = {"p90_ms": 12.0, "rate": 499.8, "failed": 2.0}


@pytest.mark.parametrize(
    ("kind", "numbers", "words"),
    [
        ("load", LOAD, "p90 12 ms at 499.8/s, 2 failed"),
        ("http", {"requests": 4.0, "failed": 0.0, "slowest_ms": 14.2}, "4 requests, the slowest 14.2 ms"),
        ("browser", {"tests": 3.0, "failed": 1.0}, "3 tests, 1 failed"),
        ("run", {"tests": 3.0, "failed": 0.0, "skipped": 0.0}, "3 tests"),
        ("run", {}, ""),
        ("smoke", {}, ""),
        ("load", {}, ""),
    ],
)
def test_numbers_of_each_kind_in_words(kind: CheckKind, numbers: dict[str, float], words: str) -> None:
    assert counted(kind, numbers) == words


def test_one_line_tells_what_each_came_to_at_last() -> None:
    ended = (
        result("smoke", "smoke"),
        result("e2e", outcome="failed", attempts=2),
        result("e2e", attempt=2, attempts=2, numbers={"tests": 3.0}),
        result("load", "load", outcome="failed", numbers=LOAD),
        result("smoke", "smoke", preview=False, outcome="lost"),
    )
    before = "smoke passed, e2e passed at attempt 2 of 2 (3 tests), load failed (p90 12 ms at 499.8/s, 2 failed)"
    assert line(ended) == f"{before}; where users are: smoke was lost"
    assert line(()) == ""


def test_what_is_in_flight_is_told_else_what_is_stable() -> None:
    ended = {V1.release: (result("e2e"),), V2.release: (result("smoke", "smoke", outcome="failed"),)}
    idle = replace(state(), checks=ended)
    assert checked(idle)["checks"]["text"] == "checks of v1: e2e passed"
    flying = replace(state(rollout("check e2e (preview)")), checks=ended)
    assert checked(flying)["checks"]["text"] == "checks of v2: smoke failed"
    assert (checked(flying)["checks"]["failed"], checked(flying)["checks"]["smoke_only"]) == (1, True)
    assert (checked(idle)["checks"]["failed"], checked(idle)["checks"]["smoke_only"]) == (0, False)
    assert checked(state()) == {"checks": None}


def test_the_attempt_that_runs_comes_last_and_its_log_may_be_read() -> None:
    flying = replace(state(rollout("check e2e (preview)")), checks={V2.release: (result("smoke", "smoke"),)})
    ended, running = results(flying, V2.release)
    assert (ended["outcome"], running["check"], running["outcome"], running["where"]) == (
        "passed", "e2e", "running", "preview",
    )  # fmt: skip
    assert known(flying, running["job"]) == ()
    assert known(flying, "rol_9-1-1") is None
    assert [one["outcome"] for one in results(flying, V1.release)] == []
