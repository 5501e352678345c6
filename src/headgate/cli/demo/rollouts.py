"""Rollouts as the event log tells them: when each step was done, and how it ended."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Event = dict[str, Any]
BY_ANALYSIS = "analysis failed: "  # how the engine's reason begins where a verdict ended a rollout
ENGINE = "headgate"


@dataclass(slots=True)
class Rollout:
    id: str
    release: str
    steps: list[str]
    started: float  # seconds since 1970, as are all times here
    done: list[float] = field(default_factory=list)  # when each step was, in order
    promoted: float | None = None
    aborted: float | None = None
    aborted_by: str = ""
    why: str = ""  # it was aborted
    ended: float | None = None
    outcome: str = ""

    @property
    def by_analysis(self) -> bool:
        """Aborted by the engine because of what it measured, and for no other reason."""
        return self.aborted is not None and self.aborted_by == ENGINE and self.why.startswith(BY_ANALYSIS)

    @property
    def met_users(self) -> float | None:
        """When the step before its first weight was done: from here on it may get traffic."""
        first = next((n for n, step in enumerate(self.steps) if step.startswith("weight ")), 0)
        return self.done[first - 1] if 0 < first <= len(self.done) else None

    @property
    def finish(self) -> float | None:
        """When it was promoted, or all traffic was back."""
        return self.promoted or self.ended


def rollouts(events: Iterable[Event]) -> list[Rollout]:
    """Of one environment, oldest first."""
    found: dict[str, Rollout] = {}
    for event in events:
        if event["kind"] == "RolloutStarted":
            found[event["rollout"]] = Rollout(event["rollout"], event["release"], event["steps"], moment(event))
        elif rollout := found.get(event.get("rollout", "")):
            _told(rollout, event)
    return list(found.values())


def _told(rollout: Rollout, event: Event) -> None:
    at = moment(event)
    match event["kind"]:
        case "StepCompleted":
            rollout.done.append(at)
        case "RevisionPromoted":
            rollout.promoted = at
        case "RolloutAborted":
            rollout.aborted, rollout.aborted_by, rollout.why = at, event["by"], event["why"]
        case "RolloutEnded":
            rollout.ended, rollout.outcome = at, event["outcome"]


def moment(event: Event) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def stages(rollout: Rollout) -> dict[str, float]:
    """Seconds of "ready", then of each weight with all that follows it; the last one until it was promoted or ended."""
    found: dict[str, float] = {}
    name, since = "ready", rollout.started
    for step, at in zip(rollout.steps, [*rollout.done, rollout.finish], strict=False):
        if at is None:
            break
        if step.startswith("weight "):
            name = f"{step.removeprefix('weight ')} %"
        found[name] = found.get(name, 0.0) + at - since
        since = at
    return found
