"""Who did not answer a moment ago, from the events alone: what runs out of time then is not held against a release."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headgate.model import events as e
from headgate.model.ids import EnvironmentId
from headgate.testing.world.ledger import Ledger

MOMENT = timedelta(minutes=1)
OVERDUE = "took longer than"  # how the reason of an abort says that a step's time was up


@dataclass(slots=True)
class Absences:
    latest: dict[EnvironmentId, datetime] = field(default_factory=dict)  # that the candidate of a step needed

    def hear(self, environment: EnvironmentId, ledger: Ledger, event: e.Event, at: datetime) -> str:
        """What is wrong, in words; nothing where nothing is."""
        if isinstance(event, e.RolloutStarted | e.StepCompleted):
            self.latest.pop(environment, None)
        if ledger.trial is None:
            return ""
        begun = ledger.trial.started
        match event:
            case e.EffectFailed(effect=effect, away=True) if begun.revision.id in effect or begun.rollout in effect:
                self.latest[environment] = at
            case e.RolloutAborted(blameless=False, why=why) if OVERDUE in why and environment in self.latest:
                known = ledger.stable is not None and ledger.stable.release == begun.revision.release
                if not known and at - self.latest[environment] <= MOMENT:
                    return f"{begun.revision.release} is blamed, and what it needed did not answer"
        return ""
