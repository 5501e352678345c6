"""Attempts that failed are repeated, later and later."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from headgate.engine.act import is_due, tried
from headgate.model.effects import Stop
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.rollouts import EnvironmentState, Failure
from headgate.ports import AdapterError, Away, Unusable

PRODUCTION = EnvironmentId("pcw/production")
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STOP = Stop(PRODUCTION, RevisionId("rev_1"))


@pytest.mark.parametrize(
    ("attempt", "seconds_ago", "due"),
    [
        pytest.param(1, 0.4, False, id="first failure: not before half a second"),
        pytest.param(1, 0.5, True, id="first failure: after half a second"),
        pytest.param(4, 3.9, False, id="fourth failure: not before four seconds"),
        pytest.param(4, 4.0, True, id="fourth failure: after four seconds"),
        pytest.param(50, 29.9, False, id="never sooner than half a minute after many"),
        pytest.param(50, 30.0, True, id="never later than half a minute after many"),
        pytest.param(4, -3600, True, id="the clock was set back by an hour: at once"),
    ],
)
def test_attempts_back_off(attempt: int, seconds_ago: float, due: bool) -> None:
    failure = Failure(str(STOP), "it hangs", attempt, NOW - timedelta(seconds=seconds_ago))
    assert is_due(STOP, EnvironmentState(PRODUCTION, failures=(failure,)), NOW) is due


def test_what_never_failed_is_due() -> None:
    other = Failure("run rev_2", "no", 9, NOW)
    assert is_due(STOP, EnvironmentState(PRODUCTION, failures=(other,)), NOW)


async def wrapped() -> None:
    """As adapters do, who say where it happened."""
    try:
        raise Away("The Docker Engine does not answer")
    except AdapterError as error:
        raise AdapterError(f"pcw/production, service web: {error}") from error


async def says(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("asked", "away", "hopeless"),
    [
        (lambda: says(AdapterError("no such command")), False, False),
        (lambda: says(Unusable("there is no such secret")), False, True),
        (lambda: says(Away("connection refused")), True, False),
        (wrapped, True, False),
        (lambda: asyncio.sleep(9), True, False),
        (lambda: says(ValueError("a defect")), False, False),
    ],
    ids=["no", "hopeless", "away", "away, and where", "no answer", "defect"],
)
async def test_who_did_not_answer_says_nothing_of_what_was_asked_for(asked: object, away: bool, hopeless: bool) -> None:
    failed = await tried(STOP, asked(), EnvironmentState(PRODUCTION), timedelta(seconds=0.02))  # type: ignore[operator]
    assert failed is not None
    assert (failed.away, failed.hopeless, failed.attempt) == (away, hopeless, 1)
