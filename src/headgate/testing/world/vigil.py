"""A second watch, over what happens after promotions, from the events alone: who is blamed, for what, and how often."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headgate.model import events as e
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId
from headgate.model.measurements import Measurement, Sample
from headgate.model.monitors import AlarmEnded, AlarmRaised, MonitoringEnded, MonitoringStarted, StableMeasured
from headgate.testing.world.story import Story, Violation

PREFIX = "environment:"
ENGINE = "headgate"
WELL, GRAVE = 0.01, 0.8  # shares of failures that no good release of a world has, that no earlier one excuses
QUICK_MS = 60.0  # the 90th percentile of no good release of a world
ENOUGH = 200  # requests of the one before, for it to be compared with
LIMIT = timedelta(seconds=45)  # of grave trouble in plain sight without anyone being told


@dataclass(slots=True)
class Vigil:
    """Of one environment."""

    begun: MonitoringStarted | None = None
    latest: Measurement | None = None
    grave: timedelta = timedelta()  # in a row, as measured
    alarm: bool = False
    stable: e.RolloutStarted | None = None
    trial: e.RolloutStarted | None = None
    busy: bool = False  # the trial goes on
    before: RevisionId | None = None
    requests: dict[RevisionId, int] = field(default_factory=lambda: defaultdict(int))  # of who was stable


class Vigils:
    def __init__(self, story: Story, quarantined: set[ReleaseId], now: Callable[[], datetime]) -> None:
        self._story, self._quarantined, self._now = story, quarantined, now
        self.kept: dict[EnvironmentId, Vigil] = defaultdict(Vigil)

    def recorded(self, batch: Sequence[e.Recorded]) -> None:
        for one in batch:
            if one.stream.startswith(PREFIX):
                self._hear(self.kept[EnvironmentId(one.stream.removeprefix(PREFIX))], one.event, one.at)

    def _hear(self, vigil: Vigil, event: e.Event, at: datetime) -> None:
        match event:
            case MonitoringStarted():
                self._begins(vigil, event)
            case StableMeasured(measurement=taken):
                self._measured(vigil, taken)
            case AlarmRaised() | AlarmEnded():
                self._demand(vigil.begun is not None, "an alarm of what is not monitored")
                vigil.alarm = isinstance(event, AlarmRaised)
            case MonitoringEnded(outcome=outcome):
                fine = vigil.begun is not None and (outcome != "over" or at >= vigil.begun.until)
                self._demand(fine, "monitoring ends that was not, or too early")
                vigil.begun = vigil.begun if outcome == "rolled-back" else None
            case e.RolloutEnded(outcome="aborted"):
                vigil.busy, vigil.latest, vigil.grave = False, None, timedelta()
            case e.MeasurementTaken(measurement=taken) if vigil.stable:
                vigil.requests[vigil.stable.revision.id] += sum(one.requests for one in taken.stable.values())
            case e.RolloutStarted():
                self._starts(vigil, event)
            case e.RevisionPromoted() if vigil.trial:
                before = vigil.stable.revision.id if vigil.stable else None
                self._demand(vigil.begun is None, "what was monitored is replaced, and is monitored on")
                vigil.before, vigil.stable, vigil.alarm, vigil.busy = before, vigil.trial, False, False
            case _:
                pass

    def _begins(self, vigil: Vigil, event: MonitoringStarted) -> None:
        promoted = vigil.stable is not None and vigil.stable.rollout == event.rollout
        self._demand(promoted, "%s is monitored and was not promoted", event.release)
        again = vigil.stable is not None and vigil.stable.kind == "rollback"
        self._demand(not again, "a rollback is monitored: another could follow it by itself")
        vigil.begun, vigil.latest, vigil.grave = event, None, timedelta()

    def _measured(self, vigil: Vigil, taken: Measurement) -> None:
        fine = vigil.begun is not None and not vigil.busy
        self._demand(fine, "the stable is measured, and not monitored or another is on trial")
        known = vigil.before is not None and vigil.requests[vigil.before] >= ENOUGH
        told = vigil.alarm or not known or vigil.grave <= LIMIT
        self._demand(told, "it fails for %s, and nobody is told", vigil.grave)
        if vigil.stable:
            vigil.requests[vigil.stable.revision.id] += sum(one.requests for one in taken.stable.values())
        lasts = taken.window.end - taken.window.start
        vigil.grave = vigil.grave + lasts if _is_grave(taken) else timedelta()
        vigil.latest = taken

    def _starts(self, vigil: Vigil, event: e.RolloutStarted) -> None:
        if event.kind == "rollback" and event.by == ENGINE:
            self._demand_blame(vigil, event)
        vigil.trial, vigil.busy = event, True
        vigil.begun = vigil.begun if event.kind == "deploy" else None

    def _demand_blame(self, vigil: Vigil, event: e.RolloutStarted) -> None:
        begun, taken = vigil.begun, vigil.latest
        self._demand(begun is not None, "%s is rolled back to, and nothing is monitored", event.revision.id)
        if begun is None:
            return
        self._demand(begun.rules.on_breach == "rollback", "rolled back where the rules only call")
        self._demand(event.revision.id == begun.previous == vigil.before, "rolled back past what was before")
        self._demand(event.revision.release not in self._quarantined, "rolled back to what is quarantined")
        self._demand(taken is not None and not taken.missing, "rolled back without sight")
        self._demand(taken is not None and _is_ill(taken), "rolled back, and nothing is wrong: %s", event.why)
        self._demand(vigil.requests[event.revision.id] > 0, "rolled back to what was never measured")

    def _demand(self, holds: bool, text: str, *about: object) -> None:
        if not holds:
            told = text % about
            self._story.tell(self._now(), "VIOLATION of vigil: %s", told)
            raise Violation("vigil", told)


def _is_ill(taken: Measurement) -> bool:
    return any(_failing(one) > WELL or (one.quantile(0.9) or 0.0) > QUICK_MS for one in taken.stable.values())


def _is_grave(taken: Measurement) -> bool:
    """In every service: of one that nobody called before nothing is known."""
    samples = taken.stable.values()
    return not taken.missing and bool(samples) and all(one.requests and _failing(one) > GRAVE for one in samples)


def _failing(one: Sample) -> float:
    return one.errors / one.requests if one.requests else 0.0
