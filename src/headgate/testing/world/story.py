"""What happened in one world, told briefly: the last lines are what a person reads after a violation."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from headgate.model import events as e
from headgate.model.schema import MigrationStarted

KEPT = 500  # lines


class Violation(BaseException):
    """An invariant does not hold. `invariant` names it; `story` says how it came about.

    Not an Exception: an engine that survives the defects of its adapters must not survive this.
    """

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant
        self.story = ""


class Story:
    def __init__(self, began: datetime) -> None:
        self._began = began
        self._lines: deque[tuple[datetime, str, tuple[object, ...]]] = deque(maxlen=KEPT)

    def tell(self, at: datetime, text: str, *about: object) -> None:
        """`text` is formatted with % only when someone reads the story."""
        self._lines.append((at, text, about))

    def last(self, lines: int) -> str:
        told = list(self._lines)[-lines:]
        shown = [f"{(at - self._began).total_seconds():8.1f} s  {text % about}" for at, text, about in told]
        left_out = len(self._lines) - len(told)
        return "\n".join([f"({left_out} or more earlier lines left out)", *shown] if left_out else shown)


@dataclass(frozen=True, slots=True)
class Told:
    """An event in a few words, found only when the story is read."""

    event: e.Event

    def __str__(self) -> str:
        return _brief(self.event)


def _brief(event: e.Event) -> str:
    """The event in a few words."""
    match event:
        case e.ReleaseRequested() | e.RolloutStarted():
            rest = f"{event.kind} {event.revision.id} by {event.by}"
        case MigrationStarted(migration=one):
            rest = f"{event.service} {one.level} {one.kind} with {event.revision.id} by {event.by}: {event.why}"
        case e.StepCompleted():
            rest = f"{event.index}: {event.why}"
        case e.StepsSkipped():
            rest = f"to {event.to} by {event.by}"
        case e.MeasurementTaken(measurement=taken):
            counts = {name: f"{sample.errors}/{sample.requests}" for name, sample in taken.candidate.items()}
            rest = f"{taken.tick} {counts} {'; '.join(taken.missing)}"
        case e.VerdictReached():
            rest = f"{event.index} {event.verdict.outcome}: {event.verdict.why}"
        case e.EffectFailed():
            rest = f"{event.effect} ({event.attempt}): {event.why}"
        case _:
            named = ("release", "revision", "outcome", "by", "why")
            rest = ", ".join(str(getattr(event, name)) for name in named if hasattr(event, name))
    return f"{type(event).__name__} {rest}"
