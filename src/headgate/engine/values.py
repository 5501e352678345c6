"""The file's own metrics, read beside the wheel: a source that is slow delays no decision but its own.

What was read enters the log with the next measurement. What a crash interrupts is asked again.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import isfinite

from headgate.decide.measuring import due, job_value, questions, reading_id
from headgate.model.checks import JobSeen
from headgate.model.ids import JobId
from headgate.model.measurements import NoData, Value, Window
from headgate.model.metrics import MetricRule, ValueQuery
from headgate.model.rollouts import EnvironmentState, Rollout
from headgate.ports import ValueSource

GRACE = timedelta(seconds=0.2)  # quick sources are in the same measurement
LIMIT = timedelta(seconds=60)  # for one reading; the adapters have shorter limits of their own

log = logging.getLogger(__name__)


class Values:
    def __init__(self, sources: Mapping[str, ValueSource]) -> None:
        self._sources = sources
        self._readings: dict[JobId, asyncio.Task[Value]] = {}

    async def take(
        self, state: EnvironmentState, rollout: Rollout, jobs: tuple[JobSeen, ...], now: datetime
    ) -> dict[str, Value]:
        """By name, what has been read of those that are due; the others are being read, or run."""
        rules = {reading_id(rollout, rule): rule for rule in due(rollout, now)}
        asked = {one: rule for one, rule in rules.items() if rule.query}
        await self._read(state, rollout, asked, now)
        seen = {job.id: job for job in jobs}
        found: dict[str, Value] = {}
        for one, rule in rules.items():
            value = job_value(state, one, seen.get(one)) if rule.job else self._finished(one)
            if value is not None:
                found[rule.name] = value
        return found

    def close(self) -> None:
        for reading in self._readings.values():
            reading.cancel()
        self._readings.clear()

    async def _read(
        self, state: EnvironmentState, rollout: Rollout, rules: Mapping[JobId, MetricRule], now: datetime
    ) -> None:
        for gone in self._readings.keys() - rules.keys():  # its step is over
            self._readings.pop(gone).cancel()
        begun: list[asyncio.Task[Value]] = []
        for one in rules.keys() - self._readings.keys():
            rule = rules[one]
            asked, window = questions(state, rollout, rule), Window(now - rule.interval, now)
            begun.append(asyncio.create_task(self._value(rule, asked, window), name=f"metric {one}"))
            self._readings[one] = begun[-1]
        if begun:
            await asyncio.wait(begun, timeout=GRACE.total_seconds())

    def _finished(self, one: JobId) -> Value | None:
        return self._readings.pop(one).result() if self._readings[one].done() else None

    async def _value(self, rule: MetricRule, asked: tuple[ValueQuery, ...], window: Window) -> Value:
        """Whatever goes wrong is an error of the metric, with its reason."""
        if rule.worse_by is not None and len(asked) < 2:
            return Value(missing="there is no stable to compare with")
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                read = await asyncio.gather(*(self._one(query, window) for query in asked))
        except TimeoutError:
            return Value(missing=f"no answer within {LIMIT.total_seconds():.0f} s")
        except Exception as error:
            log.exception("metric %s", rule.name)
            return Value(missing=f"{type(error).__name__} (a defect of the adapter; see the server's log)")
        missing = "; ".join(dict.fromkeys(one.reason for one in read if isinstance(one, NoData)))
        numbers = [one for one in read if not isinstance(one, NoData)]
        return Value(missing=missing) if missing else Value(numbers[0], next(iter(numbers[1:]), None))

    async def _one(self, query: ValueQuery, window: Window) -> float | NoData:
        """The log holds finite numbers alone."""
        source = self._sources.get(query.source)
        if source is None:
            return NoData(f"no value source {query.source} is installed")
        read = await source.value(query.expression, query.settings, window)
        return read if isinstance(read, NoData) or isfinite(read) else NoData(f"{query.source} gave {read}, no number")
