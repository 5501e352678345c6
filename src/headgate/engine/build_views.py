"""Builds as people and scripts are shown them: times ISO 8601 UTC, durations in seconds."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from headgate.decide.builds import StepRun
from headgate.decide.ci import waits
from headgate.engine.ci import BuildWheel
from headgate.engine.story import provided
from headgate.model.builds import CiStep

View = dict[str, Any]


def summary(wheel: BuildWheel, now: datetime) -> View:
    """One line of `headgate builds`."""
    state = wheel.state
    build = state.build
    took = ((state.ended_at or now) - build.requested_at).total_seconds()
    return {
        "build": build.id,
        "application": build.application,
        "label": build.label,
        "commit": build.commit,
        "branch": build.branch,
        "author": build.author,
        "subject": build.subject,
        "requested_at": build.requested_at.isoformat(),
        "by": state.by,
        "state": state.outcome or ("cancelling" if state.cancelled_at else "running"),
        "why": state.why,
        "seconds": max(took, 0.0),
        "release": state.release,
        "version": state.version,
    }


def build(wheel: BuildWheel, now: datetime) -> View:
    state = wheel.state
    steps = [_step(step, state.runs.get(step.name), now) for step in state.steps]
    images = [{**asdict(one), "text": provided(one)} for _, one in sorted(state.images.items())]
    return {**summary(wheel, now), "steps": steps, "images": images, "waits_for": waits(state, wheel.seen, now)}


def _step(step: CiStep, run: StepRun | None, now: datetime) -> View:
    shown: View = {"step": step.name, "needs": list(step.needs), "state": "waiting"}
    if run is None:
        return shown
    seconds = run.seconds if run.outcome else (now - run.started_at).total_seconds()
    return {
        **shown,
        "state": run.outcome or "running",
        "attempt": run.attempt,
        "started_at": run.started_at.isoformat(),
        "seconds": max(seconds, 0.0),
        "why": run.why,
        "tests": asdict(run.tests) if run.tests else None,
        "findings": asdict(run.findings) if run.findings else None,
    }
