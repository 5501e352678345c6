"""What checks came to, as people and scripts are shown it: one line of a release, and each attempt with its numbers."""

from collections.abc import Mapping
from typing import Any

from headgate.decide.progress import job_id
from headgate.model.checks import CheckKind, CheckResult, attempted, latest
from headgate.model.ids import JobId, ReleaseId
from headgate.model.rollouts import EnvironmentState
from headgate.model.steps import RunCheck

View = dict[str, Any]


def checked(state: EnvironmentState) -> View:
    """One key: checks, of what is in flight, else of what is stable; None where no check of it has ended."""
    revision = state.rollout.revision if state.rollout else state.stable
    results = state.checks.get(revision.release, ()) if revision else ()
    if revision is None or not results:
        return {"checks": None}
    ended = latest(results)
    shown = {"release": revision.release, "label": revision.label}
    failed, smoke_only = sum(not one.passed for one in ended), all(one.kind == "smoke" for one in ended)
    text = f"checks of {revision.label}: {line(results)}"
    return {"checks": {**shown, "failed": failed, "smoke_only": smoke_only, "text": text}}


def line(results: tuple[CheckResult, ...]) -> str:
    """smoke passed, load passed (p90 12 ms at 500/s, 0 failed); where users are: smoke passed"""
    ended = latest(results)
    sides = [[_short(one) for one in ended if one.preview is preview] for preview in (True, False)]
    before, after = (", ".join(side) for side in sides)
    return "; ".join([*([before] if before else []), *([f"where users are: {after}"] if after else [])])


def _short(one: CheckResult) -> str:
    what = "was lost" if one.outcome == "lost" else one.outcome
    counts = counted(one.kind, one.numbers)
    tries = attempted(one.attempt, one.attempts) if one.attempt > 1 else ""
    return f"{one.name} {what}{tries}" + (f" ({counts})" if counts else "")


def counted(kind: CheckKind, numbers: Mapping[str, float]) -> str:
    """In words; nothing where nothing was counted."""
    failed = f"{numbers.get('failed', 0):g} failed"
    match kind:
        case "load" if "p90_ms" in numbers:
            return f"p90 {numbers['p90_ms']:g} ms at {numbers.get('rate', 0):g}/s, {failed}"
        case "http" if "requests" in numbers:
            return f"{numbers['requests']:g} requests, the slowest {numbers.get('slowest_ms', 0):g} ms"
        case "run" | "browser" if "tests" in numbers:
            return f"{numbers['tests']:g} tests" + (f", {failed}" if numbers.get("failed") else "")
    return ""


def results(state: EnvironmentState, release: ReleaseId) -> list[View]:
    """Every attempt, in order; the one that runs is the last."""
    return [*map(_result, state.checks.get(release, ())), *_running(state, release)]


def _result(one: CheckResult) -> View:
    return {
        **_attempt(one.name, one.kind, one.preview, one.attempt, one.attempts),
        "outcome": one.outcome,
        "at": one.at.isoformat(),
        "why": one.sentence,
        "numbers": dict(one.numbers),
        "counted": counted(one.kind, one.numbers),
        "artifacts": list(one.artifacts),
        "rollout": one.rollout,
        "job": one.job,
    }


def _running(state: EnvironmentState, release: ReleaseId) -> list[View]:
    rollout = state.rollout
    if rollout is None or rollout.revision.release != release or not isinstance(rollout.step, RunCheck):
        return []
    job, check = job_id(rollout), rollout.step.check
    if rollout.phase != "running" or any(one.job == job for one in state.checks.get(release, ())):
        return []
    known = _attempt(check.name, check.kind, rollout.step.preview, rollout.attempt, check.attempts)
    nothing: View = {"why": "", "numbers": {}, "counted": "", "artifacts": []}
    began = rollout.step_started_at.isoformat()
    return [{**known, "outcome": "running", "at": began, **nothing, "rollout": rollout.id, "job": job}]


def _attempt(check: str, kind: CheckKind, preview: bool, attempt: int, attempts: int) -> View:
    where = "preview" if preview else "users"
    return {"check": check, "kind": kind, "where": where, "attempt": attempt, "attempts": attempts}


def known(state: EnvironmentState, job: str) -> tuple[str, ...] | None:
    """The artifacts of an attempt that this environment knows; None: it knows no such attempt."""
    if state.rollout and isinstance(state.rollout.step, RunCheck) and job_id(state.rollout) == JobId(job):
        return next((one.artifacts for one in _all(state) if one.job == job), ())
    return next((one.artifacts for one in _all(state) if one.job == job), None)


def _all(state: EnvironmentState) -> list[CheckResult]:
    return [one for results in state.checks.values() for one in results]
