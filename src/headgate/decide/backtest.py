"""Recorded rollouts under other rules: what would have been decided, when, and where the record does not reach."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from headgate.decide.fold import apply, empty
from headgate.decide.judging import verdict_now, weight_at
from headgate.decide.rules import ENGINE
from headgate.model import events as e
from headgate.model.ids import EnvironmentId, RolloutId
from headgate.model.rollouts import EnvironmentState, Rollout
from headgate.model.rules import AnalysisRules
from headgate.model.steps import Analyze, Bake
from headgate.model.verdicts import Outcome

# Only analysis is replayed: on the measurements that were taken, at the weights that were set. Once the rules that
# counted then have ended a step, nobody knows what more of it would have shown; that is said, never guessed.

TELLING = (e.MeasurementTaken, e.StepCompleted, e.RolloutResumed)  # after which a verdict may be another
Decided = Literal["promoted", "put back", "held", "undecided"]


@dataclass(frozen=True, slots=True)
class Said:
    """Of one rollout, by a record or by rules. `seconds` since it started, pauses and preparation included."""

    decided: Decided
    seconds: float
    tick: int  # the last measurement that it rests on
    weight: int  # percent
    why: str


@dataclass(frozen=True, slots=True)
class History:
    """One rollout that ended: the state before it, and its events."""

    before: EnvironmentState
    events: tuple[e.Recorded, ...]

    @property
    def started(self) -> e.RolloutStarted:
        first = self.events[0].event
        assert isinstance(first, e.RolloutStarted)  # noqa: S101 - see `histories`
        return first


@dataclass(frozen=True, slots=True)
class Compared:
    rollout: RolloutId
    label: str
    started_at: datetime
    ticks: int
    then: Said  # on record
    now: Said  # by the rules that are tried
    replayed: bool  # the rules of then, tried the same way, decide what is on record

    @property
    def changed(self) -> bool:
        return self.then.decided != self.now.decided

    @property
    def sooner(self) -> float | None:
        """Seconds; None where what was decided is not the same."""
        return None if self.changed else self.then.seconds - self.now.seconds


def histories(environment: EnvironmentId, recorded: Iterable[e.Recorded]) -> Iterator[History]:
    """Deployments that were measured beside a stable, and have ended; oldest first."""
    state = before = empty(environment)
    open_: list[e.Recorded] = []
    for one in recorded:
        if isinstance(one.event, e.RolloutStarted):
            before, open_ = state, [one]
        elif open_:
            open_.append(one)
        if not isinstance(one.event, e.MeasurementTaken):  # evidence is worked out once, by `replayed`
            state = apply(one.event, state, one.at)
        if isinstance(one.event, e.RolloutEnded) and open_:
            found = History(before, tuple(open_))
            if _was_judged(found):
                yield found
            open_ = []


def _was_judged(history: History) -> bool:
    started = history.started
    judged = any(isinstance(step, Analyze | Bake) for step in started.steps)
    measured = any(isinstance(one.event, e.MeasurementTaken) for one in history.events)
    return started.kind == "deploy" and history.before.stable is not None and judged and measured


def compared(history: History, rules: AnalysisRules) -> Compared:
    started, then, now = history.started, on_record(history), replayed(history, rules)
    own = now if started.analysis == rules else replayed(history, started.analysis)
    ticks = sum(isinstance(one.event, e.MeasurementTaken) for one in history.events)
    # Whoever acts by hand, or what breaks, ends a record before its rules decide: that is no other judgement.
    same = own.decided in (then.decided, "undecided")
    return Compared(started.rollout, started.revision.label, history.events[0].at, ticks, then, now, same)


def on_record(history: History) -> Said:
    """The first decision that moved the rollout off its steps."""
    state = history.before
    for one in history.events:
        if decided := _recorded(one, state):
            return _said(history, state.rollout, one.at, *decided)
        if not isinstance(one.event, e.MeasurementTaken):
            state = apply(one.event, state, one.at)
    return _said(history, state.rollout, history.events[-1].at, "undecided", "the record ends")


def _recorded(one: e.Recorded, state: EnvironmentState) -> tuple[Decided, str] | None:
    match one.event:
        case e.RolloutPaused(by=by, why=why) if by == ENGINE:
            return "held", why
        case e.RolloutAborted(why=why):
            return "put back", why
        case e.StepsSkipped(by=by):
            return "promoted", f"by {by}, by hand"
        case e.RevisionPromoted(why=why):
            return "promoted", why
    return None


def replayed(history: History, rules: AnalysisRules) -> Said:
    """What these rules would have decided."""
    return Replay(history, rules).said()


class Replay:
    def __init__(self, history: History, rules: AnalysisRules) -> None:
        self.history, self.rules = history, rules
        self.state = history.before
        self.tick = 0
        self.saved = timedelta()  # by steps that would have ended before they did
        self.passed: datetime | None = None  # when the present step would have ended
        self.by_hand = False  # paused by a person: nothing goes on then

    def said(self) -> Said:
        for one in self.history.events:
            ended = self._step_ends(one) or self._ends(one)
            if ended:
                return self._told(one.at, *ended)
            event = one.event
            if isinstance(event, e.RolloutStarted):
                event = replace(event, analysis=self.rules)
            self.state = apply(event, self.state, one.at)
            if isinstance(event, e.MeasurementTaken):
                self.tick = event.measurement.tick
            if isinstance(event, e.RolloutPaused | e.RolloutResumed):
                self.by_hand = isinstance(event, e.RolloutPaused) and event.by != ENGINE
            if isinstance(event, TELLING) and (decided := self._judged(one.at)):
                return self._told(one.at, *decided)
        return self._told(self.history.events[-1].at, "undecided", "the record ends")

    def _judged(self, now: datetime) -> tuple[Decided, str] | None:
        rollout = self.state.rollout
        if rollout is None or rollout.phase not in ("running", "paused") or self.passed is not None:
            return None
        if not isinstance(rollout.step, Analyze | Bake):
            return None
        verdict = verdict_now(rollout, now)
        if verdict.outcome is Outcome.FAIL:
            return "put back", verdict.why
        if isinstance(rollout.step, Bake) or self.by_hand:
            return None
        if verdict.outcome is Outcome.PASS:
            self.passed = now
        elif now - rollout.step_started_at > self.rules.deadline:
            return self._unproven(now, verdict.outcome, verdict.why)
        return None

    def _unproven(self, now: datetime, outcome: Outcome, why: str) -> tuple[Decided, str] | None:
        """At the deadline of the rules that are tried."""
        told = f"not proven by its deadline: {why}"
        if self.rules.unproven == "rollback":
            return "put back", told
        if self.rules.unproven == "promote" and outcome is Outcome.INCONCLUSIVE:
            self.passed = now
            return None
        return "held", told

    def _step_ends(self, one: e.Recorded) -> tuple[Decided, str] | None:
        """The record leaves an analyze step: only what would have passed by then is followed further."""
        rollout = self.state.rollout
        leaves = isinstance(one.event, e.StepCompleted | e.StepsSkipped | e.RevisionPromoted)
        if rollout is None or not leaves or not isinstance(rollout.step, Analyze):
            return None
        if self.passed is None:
            return "undecided", f"not proven yet when the record of this step ends: {verdict_now(rollout, one.at).why}"
        self.saved += one.at - self.passed
        self.passed = None
        return None

    def _ends(self, one: e.Recorded) -> tuple[Decided, str] | None:
        if isinstance(one.event, e.RevisionPromoted | e.StepsSkipped):
            return "promoted", one.event.why
        if isinstance(one.event, e.RolloutAborted):
            return self._aborted(one)
        return None

    def _aborted(self, one: e.Recorded) -> tuple[Decided, str]:
        assert isinstance(one.event, e.RolloutAborted)  # noqa: S101
        rollout = self.state.rollout
        if rollout is None or not _by_analysis(self.history, one):
            return "put back", one.event.why  # a crash, a check, a person: under any rules
        if self.passed is not None:
            return "undecided", "the step would have passed; what follows it was never tried"
        return "undecided", f"not put back yet when the record ends: {verdict_now(rollout, one.at).why}"

    def _told(self, at: datetime, decided: Decided, why: str) -> Said:
        said = _said(self.history, self.state.rollout, at - self.saved, decided, why)
        return replace(said, tick=self.tick)


def _by_analysis(history: History, aborted: e.Recorded) -> bool:
    """Its verdict was recorded in the same moment, or in this step before and never changed."""
    last = None
    for one in history.events:
        if one.version >= aborted.version:
            break
        if isinstance(one.event, e.VerdictReached):
            last = one.event.verdict
        elif isinstance(one.event, e.StepCompleted):
            last = None
    told = aborted.event.why if isinstance(aborted.event, e.RolloutAborted) else ""
    by_rules = isinstance(aborted.event, e.RolloutAborted) and aborted.event.by == ENGINE
    return by_rules and last is not None and (last.outcome is Outcome.FAIL or last.why in told)


def _said(history: History, rollout: Rollout | None, at: datetime, decided: Decided, why: str) -> Said:
    seconds = (at - history.events[0].at).total_seconds()
    ticks = [
        one.event.measurement.tick
        for one in history.events
        if isinstance(one.event, e.MeasurementTaken) and one.at <= at
    ]
    return Said(decided, seconds, max(ticks, default=0), weight_at(rollout) if rollout else 0, why)
