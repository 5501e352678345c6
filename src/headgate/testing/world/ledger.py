"""A second, plain bookkeeping of one environment, from its events alone. The watch judges by it, not by `decide`."""

from dataclasses import dataclass, field
from datetime import datetime

from headgate.model import events as e
from headgate.model.approvals import ApprovalGiven, ApprovalWithdrawn
from headgate.model.freezes import Freeze, RolloutsFrozen, RolloutsUnfrozen
from headgate.model.ids import ReleaseId, RevisionId
from headgate.model.infrastructure import InfrastructurePlanned
from headgate.model.releases import Revision
from headgate.model.rules import Environment
from headgate.model.steps import Analyze, Migrate, Provision, SetWeight
from headgate.model.verdicts import Outcome


@dataclass(slots=True)
class Trial:
    """The rollout in flight."""

    started: e.RolloutStarted
    entered_at: datetime  # the present step
    weighed_at: datetime  # the present weight was asked for
    hotfix: bool = False
    position: int = 0
    phase: str = "trial"  # trial, paused, aborting, retiring
    baseline: Revision | None = None  # until it is dropped
    completed: set[int] = field(default_factory=set)
    by_hand: set[int] = field(default_factory=set)
    verdicts: dict[int, Outcome] = field(default_factory=dict)
    requests: int = 0  # of the candidate at the present weight
    reference: int = 0  # of the stable in the whole rollout
    blind: bool = True  # nothing was read, or the last reading failed

    def may_pass(self, index: int) -> bool:
        """Walked as it should be: done with proof where proof is asked, or skipped by a person."""
        if index in self.by_hand:
            return True
        step, verdict = self.started.steps[index], self.verdicts.get(index)
        proven = not isinstance(step, Analyze) or verdict is Outcome.PASS or self.waved(index)
        return index in self.completed and proven

    def waved(self, index: int) -> bool:
        """Unproven at its deadline, and the rules let such a step go on."""
        return self.started.analysis.unproven == "promote" and self.verdicts.get(index) is Outcome.INCONCLUSIVE

    @property
    def preparing(self) -> bool:
        """The candidate may not run yet."""
        return isinstance(self.started.steps[self.position], Provision | Migrate)

    def asked_weight(self) -> int:
        walked = self.started.steps[: self.position + 1]
        return max((step.weight for step in walked if isinstance(step, SetWeight)), default=0)

    def trusted_weight(self) -> int:
        """The highest weight that what was recorded justifies."""
        weight = 0
        for index, step in enumerate(self.started.steps[: self.position + 1]):
            if isinstance(step, SetWeight):
                weight = step.weight
            if index < self.position and not self.may_pass(index):
                return weight
        return weight


@dataclass(slots=True)
class Stint:
    """A time in which a release was stable."""

    release: ReleaseId
    since: datetime
    until: datetime | None = None


# Who approved, what was stable, by which rules, and which plan of infrastructure was shown.
Given = tuple[str, RevisionId | None, Environment | None, str]


@dataclass(slots=True)
class Ledger:
    trial: Trial | None = None
    stable: Revision | None = None
    previous: Revision | None = None
    waiting: e.ReleaseRequested | None = None
    gave_way: e.ReleaseRequested | None = None  # waited, until another was asked for just now
    plan: str = ""  # of infrastructure, for what waits: its digest; empty: there is nothing to change
    pin: ReleaseId | None = None
    freeze: Freeze | None = None
    owes_glass: bool = False  # a start passed closed gates: the next event says which
    verdicts: dict[ReleaseId, str] = field(default_factory=dict)  # of people: accepted or rejected, the latest
    rules: Environment | None = None  # that count now
    approvals: list[Given] = field(default_factory=list)  # since the release that waits was asked for
    stints: list[Stint] = field(default_factory=list)
    aborted: int = 0
    promoted: int = 0

    def apply(self, event: e.Event, at: datetime) -> None:
        match event:
            case e.ReleaseRequested():
                self.waiting, self.gave_way, self.approvals, self.plan = event, None, [], ""
            case InfrastructurePlanned(plan=plan):
                self.plan = "" if plan.empty else plan.digest
            case e.ReleaseSuperseded() | e.ReleaseDropped():
                self.gave_way = self.waiting if isinstance(event, e.ReleaseSuperseded) else None
                self.waiting = None
            case e.ReleasePinned() | e.ReleaseUnpinned():
                self.pin = event.release if isinstance(event, e.ReleasePinned) else None
            case e.ReleaseSignedOff():
                self.verdicts[event.release] = event.verdict
            case e.RolloutStarted():
                hotfix = self.waiting is not None and self.waiting.hotfix
                self.trial, self.waiting = Trial(event, at, at, hotfix, baseline=event.baseline), None
            case e.RolloutEnded(outcome=outcome):
                self.trial = None
                self.aborted += outcome == "aborted"
                self.promoted += outcome == "promoted"
            case _ if self.trial is not None:
                self._walk(self.trial, event, at)
        self._approve(event)
        self._unpin_what_left(event)
        if isinstance(event, RolloutsFrozen | RolloutsUnfrozen):
            self.freeze = Freeze(event.by, event.why, at, event.until) if isinstance(event, RolloutsFrozen) else None

    def approved(self, rules: Environment) -> set[str]:
        """Only who approved just this: what is stable, the rules and the plan have not changed since."""
        now = (self.stable.id if self.stable else None, rules, self.plan)
        return {by for by, *shown in self.approvals if tuple(shown) == now}

    def _approve(self, event: e.Event) -> None:
        if isinstance(event, ApprovalGiven):
            self.approvals.append((event.by, self.stable.id if self.stable else None, self.rules, self.plan))
        if isinstance(event, ApprovalWithdrawn):
            self.approvals = [one for one in self.approvals if one[0] not in event.accounts]

    def _unpin_what_left(self, event: e.Event) -> None:
        if isinstance(event, e.ReleaseSuperseded | e.ReleaseDropped | e.RolloutEnded) and self.pin not in self._here():
            self.pin = None

    def _here(self) -> set[ReleaseId]:
        """The releases that are stable, on trial or waiting."""
        trial, waiting = self.trial and self.trial.started.revision, self.waiting and self.waiting.revision
        return {one.release for one in (self.stable, trial, waiting) if one}

    def _walk(self, trial: Trial, event: e.Event, at: datetime) -> None:
        match event:
            case e.StepCompleted(index=index):
                trial.completed.add(index)
                self._enter(trial, index + 1, at)
            case e.StepsSkipped(to=to):
                trial.by_hand |= set(range(trial.position, to))
                self._enter(trial, to, at)
            case e.VerdictReached(index=index, verdict=verdict):
                trial.verdicts[index] = verdict.outcome
            case e.MeasurementTaken(measurement=taken):
                trial.requests += sum(sample.requests for sample in taken.candidate.values())
                trial.reference += sum(sample.requests for sample in taken.reference.values())
                trial.blind = bool(taken.missing)
            case e.BaselineDropped():
                trial.baseline = None
            case e.RolloutPaused():
                trial.phase = "paused"
            case e.RolloutResumed():
                trial.phase = "trial"
            case e.RolloutAborted():
                trial.phase = "aborting"
            case e.RevisionPromoted():
                self._promote(trial, at)

    @staticmethod
    def _enter(trial: Trial, position: int, at: datetime) -> None:
        trial.position, trial.entered_at = position, at
        if isinstance(trial.started.steps[position], SetWeight):
            trial.weighed_at, trial.requests, trial.blind = at, 0, True

    def _promote(self, trial: Trial, at: datetime) -> None:
        trial.phase = "retiring"
        if self.stints:
            self.stints[-1].until = self.stints[-1].until or at
        self.stints.append(Stint(trial.started.revision.release, at))
        self.previous, self.stable = self.stable, trial.started.revision

    def candidate(self) -> RevisionId | None:
        """Whoever is on trial and is not the stable as well."""
        if self.trial is None or self.trial.phase not in ("trial", "paused") or self.trial.preparing:
            return None
        revision = self.trial.started.revision.id
        return None if self.stable and self.stable.id == revision else revision

    def baseline(self) -> Revision | None:
        """As long as there is something to compare with it: not at full weight, nor after the decision."""
        if self.trial is None or self.trial.phase not in ("trial", "paused") or self.trial.preparing:
            return None
        if self.trial.asked_weight() == 100:
            return None
        return self.trial.baseline
