"""What the watch holds of infrastructure: only the plan that was approved, one at a time, before the candidate."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from headgate.model import events as e
from headgate.model.ids import EnvironmentId, RolloutId
from headgate.model.infrastructure import (
    InfrastructurePlan,
    InfrastructurePlanned,
    ProvisioningEnded,
    ProvisioningStarted,
)
from headgate.model.releases import Revision
from headgate.model.rules import ApprovalGate
from headgate.model.steps import Provision, Step
from headgate.testing.world.ledger import Trial
from headgate.testing.world.schemas import SchemaWatch


@dataclass
class Ground:
    """Of one environment, from its events alone; but for `done`, which is the truth of the latest apply."""

    shown: dict[RolloutId, InfrastructurePlan] = field(default_factory=dict)  # the latest of each start
    running: ProvisioningStarted | None = None
    done: bool = False
    failed: set[RolloutId] = field(default_factory=set)
    passed: set[RolloutId] = field(default_factory=set)


class GroundWatch(SchemaWatch):
    def __init__(self, *more: object) -> None:
        super().__init__(*more)
        self.grounds: dict[EnvironmentId, Ground] = defaultdict(Ground)

    # --- what was asked of the world

    def applies(self, environment: EnvironmentId, digest: str) -> None:
        running = self.grounds[environment].running
        fine = running is not None and running.plan.digest == digest
        self._demand(fine, "ground", "%s is applied, which did not begin", digest)
        self._tell(environment, "  apply %s", digest)

    def applied(self, environment: EnvironmentId, digest: str) -> None:
        ground = self.grounds[environment]
        ground.done = ground.running is not None and ground.running.plan.digest == digest

    def runs(self, revision: Revision) -> None:
        super().runs(revision)
        ledger, ground = self.ledgers[revision.environment], self.grounds[revision.environment]
        trial, stable = ledger.trial and ledger.trial.started, ledger.stable
        if trial and trial.revision.id == revision.id and not (stable and stable.id == revision.id):
            ready = not _plans(trial) or trial.rollout in ground.passed
            self._demand(ready, "ground-first", "%s is run before what it stands on is there", revision.id)

    # --- what was decided

    def _recorded(self, environment: EnvironmentId, event: e.Event, at: datetime) -> None:
        ground = self.grounds[environment]
        match event:
            case InfrastructurePlanned(rollout=rollout, plan=plan):
                ground.shown[rollout] = plan
            case e.RolloutStarted():
                self._demand_plan(environment, ground, event)
            case ProvisioningStarted():
                self._demand_may_apply(environment, ground, event, at)
                ground.running, ground.done = event, False
            case ProvisioningEnded(digest=digest, outcome=outcome):
                self._end_apply(environment, ground, digest, outcome)
            case e.RolloutAborted(rollout=rollout, by="headgate", blameless=False, gave_way_to=None):
                self._demand(rollout not in ground.failed, "ground-blame", "%s is blamed for the ground", rollout)
            case e.RolloutAborted(blameless=True):
                trial = self.ledgers[environment].trial
                self.books[environment].away |= trial is not None and isinstance(_step(trial), Provision)
            case e.StepCompleted(index=index, rollout=rollout):
                trial = self.ledgers[environment].trial
                if trial and isinstance(trial.started.steps[index], Provision):
                    fine = rollout in ground.passed
                    self._demand(fine, "ground-first", "%s goes on without what it stands on", rollout)
        super()._recorded(environment, event, at)

    def _demand_plan(self, where: EnvironmentId, ground: Ground, event: e.RolloutStarted) -> None:
        """What it will apply is what was on record for it, and so what its approvals are for."""
        plans, rules, waiting = _plans(event), self._gates.rules(where), self.ledgers[where].waiting
        shown = ground.shown.get(event.rollout)
        if event.kind == "rollback" or rules is None or rules.infrastructure is None:
            self._demand(not plans, "ground", "%s changes the infrastructure, and must not", event.rollout)
            return
        glass = waiting is not None and waiting.break_glass
        self._demand(shown is not None or glass, "ground", "%s starts, and no plan is on record", event.rollout)
        self._demand(ground.running is None, "one-apply", "%s starts while one is applied", event.rollout)
        self._demand(all(plan == shown for plan in plans), "ground", "%s applies another plan", event.rollout)
        if shown is None or shown.empty:
            return
        if not shown.harmful:
            self._demand(plans == [shown], "ground", "%s leaves out what was shown", event.rollout)
        elif plans:
            asked = any(isinstance(gate, ApprovalGate) for gate in rules.gates)
            fine = rules.infrastructure.destroy == "approved" and asked and not glass
            self._demand(fine, "harm", "%s destroys, and nobody may let it", event.rollout)

    def _demand_may_apply(self, where: EnvironmentId, ground: Ground, event: ProvisioningStarted, at: datetime) -> None:
        ledger, rules = self.ledgers[where], self._gates.rules(where)
        self._demand(ground.running is None, "one-apply", "two applies at once: %s the second", event.plan.digest)
        if event.rollout is not None:
            trial = ledger.trial
            step = _step(trial) if trial and trial.started.rollout == event.rollout else None
            fine = isinstance(step, Provision) and step.plan == event.plan and trial is not None
            self._demand(fine, "ground", "%s is applied, which is not its step", event.plan.digest)
            return
        self._demand(ledger.trial is None, "one-apply", "%s is applied beside a rollout", event.plan.digest)
        self._demand(not event.plan.harmful, "harm", "%s destroys, as %s alone asked", event.plan.digest, event.by)
        self._demand(not self._gates.frozen(ledger, at), "frozen", "%s is applied in a freeze", event.plan.digest)
        open_ = rules is not None and (not rules.gates or ledger.stable is None or event.by in rules.break_glass)
        self._demand(open_, "glass", "%s is applied past gates by %s, who is not named", event.plan.digest, event.by)

    def _end_apply(self, where: EnvironmentId, ground: Ground, digest: str, outcome: str) -> None:
        running = ground.running
        fine = running is not None and running.plan.digest == digest
        self._demand(fine, "ground", "%s ends, which did not begin", digest)
        self._demand(outcome != "passed" or ground.done, "ground", "%s passed, and was not applied", digest)
        if running and running.rollout:
            (ground.passed if outcome == "passed" else ground.failed).add(running.rollout)
        # No release is blamed for what it stands on.
        self.books[where].away |= outcome == "failed" and running is not None and running.rollout is not None
        ground.running = None


def _step(trial: Trial) -> Step:
    return trial.started.steps[trial.position]


def _plans(started: e.RolloutStarted) -> list[InfrastructurePlan]:
    return [step.plan for step in started.steps if isinstance(step, Provision)]
