"""Event logs of rollouts as the API tells them, for tests."""

from datetime import UTC, datetime
from typing import Any

from headgate.cli.demo.rollouts import Rollout, rollouts
from headgate.cli.demo.summary import Journey

STEPS = ["start", "await ready", "check smoke (preview)", "weight 10", "analyze", "weight 100", "bake", "retire"]
EVIDENCE = "evidence 603 : 1 that it is worse than the"
ERRORS = f"analysis failed: quotes: errors 5.1 % against 0 % in 237 requests; {EVIDENCE} 0.1 points allowed"
LATENCY = f"analysis failed: web: slower than 21 ms: 68 % against 0 % in 229 requests; {EVIDENCE} 6.7 % allowed"


def event(kind: str, at: float, rollout: str = "rol_1", **more: Any) -> dict[str, Any]:
    moment = datetime.fromtimestamp(at, UTC).isoformat()
    return {"kind": kind, "at": moment, "version": 1, "text": kind, "rollout": rollout, **more}


def started(at: float, rollout: str = "rol_1", release: str = "rel_1") -> dict[str, Any]:
    return event("RolloutStarted", at, rollout, release=release, steps=STEPS)


def promoted_story(at: float = 100.0) -> list[dict[str, Any]]:
    done = [event("StepCompleted", at + n, index=n - 1) for n in range(1, 8)]
    return [started(at), *done, event("RevisionPromoted", at + 7), event("RolloutEnded", at + 8, outcome="promoted")]


def aborted_story(at: float = 100.0, why: str = ERRORS, by: str = "headgate") -> list[dict[str, Any]]:
    done = [event("StepCompleted", at + n, index=n - 1) for n in range(1, 5)]
    end = [event("RolloutAborted", at + 9, by=by, why=why), event("RolloutEnded", at + 9.5, outcome="aborted")]
    return [started(at), *done, *end]


def rollout(story: list[dict[str, Any]]) -> Rollout:
    return rollouts(story)[-1]


def journey(label: str, production: Rollout | None, asked: float = 90.0) -> Journey:
    return Journey(label, 1.0, asked, rollout(promoted_story(at=91.0)), production)
