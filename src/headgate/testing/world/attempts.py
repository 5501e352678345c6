"""A second count of the attempts at checks, from the events alone: each once, in order, none more than is granted."""

from dataclasses import dataclass, field

from headgate.model import events as e
from headgate.model.checks import CheckEnded
from headgate.model.ids import EnvironmentId


@dataclass(slots=True)
class Attempts:
    made: dict[EnvironmentId, int] = field(default_factory=dict)  # at the check of the present step

    def hear(self, environment: EnvironmentId, event: e.Event) -> str:
        """What is wrong, in words; nothing where nothing is."""
        if isinstance(event, e.RolloutStarted | e.StepCompleted | e.StepsSkipped):
            self.made.pop(environment, None)
        if not isinstance(event, CheckEnded):
            return ""
        expected = self.made.get(environment, 0) + 1
        self.made[environment] = event.attempt
        fine = event.attempt == expected <= event.attempts
        return "" if fine else f"attempt {event.attempt} of {event.attempts} at {event.check}, expected was {expected}"
