"""Attempts at checks: one that has ended goes on record, with what it counted."""

from datetime import datetime

from headgate.decide.progress import job_id, may_run_again
from headgate.model import events as e
from headgate.model.checks import CheckEnded
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState
from headgate.model.steps import RunCheck


def note_check(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """An attempt that ended goes on record, whatever it found; a probe that the server's end cut short is none."""
    rollout = state.rollout
    if rollout is None or rollout.phase not in ("running", "paused") or not isinstance(rollout.step, RunCheck):
        return []
    check, wanted = rollout.step.check, job_id(rollout)
    job = next((job for job in seen.jobs if job.id == wanted and job.state != "running"), None)
    if job is None or may_run_again(check, job) or (rollout.ended is not None and rollout.ended.job == wanted):
        return []
    assert job.state != "running"  # noqa: S101 - see above
    return [
        CheckEnded(
            rollout=rollout.id,
            release=rollout.revision.release,
            index=rollout.position,
            check=check.name,
            check_kind=check.kind,
            preview=rollout.step.preview,
            job=job.id,
            attempt=rollout.attempt,
            attempts=check.attempts,
            outcome=job.state,
            why=job.detail,
            numbers=job.numbers,
            artifacts=job.artifacts,
        )
    ]
