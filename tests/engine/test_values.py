"""Metrics are read beside the wheel: one that hangs delays nothing, and whatever goes wrong is named."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.decide.given import NOW, rollout, seconds, state

from headgate.engine import values as room
from headgate.engine.values import Values
from headgate.model.checks import Check, JobSeen
from headgate.model.conditions import parse
from headgate.model.measurements import Value
from headgate.model.metrics import MetricRule, ValueQuery
from headgate.model.rollouts import EnvironmentState, Rollout
from headgate.testing.fakes.values import FakeValues

SALES = MetricRule("sales", ValueQuery("shop", "sales of {revision}"), success=parse(">= 3"))
MEMORY = MetricRule("memory", ValueQuery("shop", "memory of {revision}"), worse_by=0.1)
WORK = MetricRule("work", job=Check("work", "run", "true"), success=parse("== 1"))


def flying(*metrics: MetricRule) -> tuple[EnvironmentState, Rollout]:
    made = rollout("analyze")
    made = replace(made, analysis=replace(made.analysis, metrics=metrics))
    return state(made), made


class Hanging:
    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.asked = 0

    async def value(self, *_: Any) -> float:
        self.asked += 1
        await self.answer.wait()
        return 7.0


class Broken:
    async def value(self, *_: Any) -> float:
        raise KeyError("oops")


class Wrong:
    async def value(self, *_: Any) -> float:
        return float("nan")


async def test_numbers_of_one_and_of_both_sides() -> None:
    shop = FakeValues()
    shop.worth = {"sales of rev_v2": 4.0, "memory of rev_v2": 5.0, "memory of rev_v1": 6.0}
    found = await Values({"shop": shop}).take(*flying(SALES, MEMORY), (), NOW)
    assert found == {"sales": Value(4.0), "memory": Value(5.0, 6.0)}


async def test_one_side_that_is_missing_is_no_comparison() -> None:
    shop = FakeValues()
    shop.worth = {"memory of rev_v2": 5.0}
    found = await Values({"shop": shop}).take(*flying(MEMORY), (), NOW)
    assert found == {"memory": Value(missing="memory of rev_v1 leads to nothing")}
    alone, flight = flying(MEMORY)
    found = await Values({"shop": shop}).take(replace(alone, stable=None), flight, (), NOW)
    assert found == {"memory": Value(missing="there is no stable to compare with")}


async def test_a_source_that_hangs_is_asked_once_and_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "GRACE", timedelta(seconds=0.01))
    source = Hanging()
    values = Values({"shop": source})
    for second in range(3):
        assert await asyncio.wait_for(values.take(*flying(SALES), (), NOW + seconds(second)), 1) == {}
    assert source.asked == 1
    source.answer.set()
    await asyncio.sleep(0.01)
    assert await values.take(*flying(SALES), (), NOW + seconds(4)) == {"sales": Value(7.0)}


async def test_what_hangs_for_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LIMIT", timedelta(seconds=0.02))
    found = await Values({"shop": Hanging()}).take(*flying(SALES), (), NOW)
    assert found["sales"].missing == "no answer within 0 s"


async def test_a_step_that_is_over_is_asked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "GRACE", timedelta(seconds=0.01))
    source = Hanging()
    values = Values({"shop": source})
    await values.take(*flying(SALES), (), NOW)
    here, flight = flying(SALES)
    gone = replace(flight, position=flight.position + 1)
    assert await values.take(here, gone, (), NOW) == {}
    assert values._readings == {}


@pytest.mark.parametrize(
    ("sources", "missing"),
    [
        ({"shop": Broken()}, "KeyError (a defect of the adapter; see the server's log)"),
        ({"shop": Wrong()}, "shop gave nan, no number"),
        ({}, "no value source shop is installed"),
    ],
)
async def test_what_goes_wrong_is_named(sources: dict[str, Any], missing: str) -> None:
    assert await Values(sources).take(*flying(SALES), (), NOW) == {"sales": Value(missing=missing)}


async def test_jobs_are_read_when_they_have_ended() -> None:
    here, flight = flying(WORK)
    job = f"{flight.id}-{flight.position}-work-1"
    values = Values({})
    assert await values.take(here, flight, (), NOW) == {}
    assert await values.take(here, flight, (JobSeen(job, "running"),), NOW) == {}  # type: ignore[arg-type]
    assert await values.take(here, flight, (JobSeen(job, "passed"),), NOW) == {"work": Value(1.0)}  # type: ignore[arg-type]
