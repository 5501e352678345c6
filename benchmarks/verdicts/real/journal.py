"""The event log of one environment, followed beside the server, and the judge's evidence as it grew."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from headgate.decide.fold import apply, empty
from headgate.decide.judging import verdict_now, weight_at
from headgate.model import events as e
from headgate.model.ids import EnvironmentId
from headgate.model.measurements import Sample, add
from headgate.model.steps import Analyze
from headgate.model.verdicts import Verdict
from headgate.store.codec import decode


@dataclass(frozen=True, slots=True)
class Tick:
    """What one measurement made the judge think."""

    at: datetime
    weight: int
    harm: float  # of all metrics together; 1 puts back
    worst: str  # service and metric that weigh most


@dataclass(slots=True)
class Trial:
    """All that was measured of one rollout."""

    rollout: str
    ticks: list[Tick]
    candidate: dict[str, Sample]
    stable: dict[str, Sample]
    missing: list[str]
    proven: list[int]  # weights, percent, that were passed by proof
    unproven: list[int]  # and those that were passed because the deadline had come
    verdict: Verdict | None = None


class Journal:
    def __init__(self, data: Path, environment: str) -> None:
        self._path, self._stream = data / "events.db", f"environment:{environment}"
        self._state, self._version = empty(EnvironmentId(environment)), 0
        self.trials: dict[str, Trial] = {}

    def catch_up(self) -> None:
        for at, event in self._new():
            if isinstance(event, e.StepCompleted):
                self._passed(event)
            self._state = apply(event, self._state, at)
            if isinstance(event, e.RolloutStarted):
                self.trials[event.rollout] = Trial(event.rollout, [], {}, {}, [], [], [])
            elif isinstance(event, e.MeasurementTaken):
                self._measured(event, at)

    def _new(self) -> Iterator[tuple[datetime, e.Event]]:
        query = "SELECT version, at, kind, payload FROM events WHERE stream = ? AND version > ? ORDER BY version"
        connection = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=10)
        try:
            rows = connection.execute(query, (self._stream, self._version)).fetchall()
        finally:
            connection.close()
        for self._version, at, kind, payload in rows:
            yield datetime.fromisoformat(at), decode(kind, payload)

    def _passed(self, event: e.StepCompleted) -> None:
        rollout = self._state.rollout
        if rollout is not None and isinstance(rollout.step, Analyze):
            trial = self.trials[event.rollout]
            kept = trial.unproven if event.why.startswith("not proven") else trial.proven
            kept.append(weight_at(rollout))

    def _measured(self, event: e.MeasurementTaken, at: datetime) -> None:
        trial, rollout, taken = self.trials[event.rollout], self._state.rollout, event.measurement
        trial.missing += taken.missing
        if rollout is None or rollout.evidence is None or not weight_at(rollout):
            return
        trial.candidate = add(trial.candidate, taken.candidate)
        trial.stable = add(trial.stable, taken.stable)
        trial.verdict = verdict_now(rollout, at)
        figures = trial.verdict.figures
        if figures:
            worst = max(figures, key=lambda one: one.harm)
            harm = sum(one.harm for one in figures)
            trial.ticks.append(Tick(at, weight_at(rollout), harm, f"{worst.service} {worst.metric}"))
