"""Which metrics of the file are to be read now, what exactly is asked, and what a job that ran is worth."""

import re
from dataclasses import replace
from datetime import datetime

from headgate.analysis.conditions import Tally, finished
from headgate.decide.judging import counts_of, metrics_at
from headgate.model.checks import Check, JobSeen
from headgate.model.ids import JobId
from headgate.model.measurements import Value
from headgate.model.metrics import PLACEHOLDERS, MetricRule, ValueQuery
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Rollout

_PLACEHOLDER = re.compile("{(" + "|".join(PLACEHOLDERS) + ")}")


def due(rollout: Rollout, now: datetime) -> list[MetricRule]:
    return [rule for rule in metrics_at(rollout) if _is_due(rollout, rule, _tally(rollout, rule), now)]


def _is_due(rollout: Rollout, rule: MetricRule, tally: Tally, now: datetime) -> bool:
    if finished(rule, tally) or now - rollout.step_started_at < rule.initial_delay:
        return False
    return tally.at is None or now - tally.at >= rule.interval


def reading_id(rollout: Rollout, rule: MetricRule) -> JobId:
    """Of the next reading: the same after a restart, so that a job is adopted and not run twice."""
    return JobId(f"{_begin(rollout, rule)}{_tally(rollout, rule).readings + 1}")


def is_reading(rollout: Rollout, effect: str) -> bool:
    """Whether an effect that failed, by its words, is a job that is read as a metric: an error of that metric."""
    return any(_begin(rollout, rule) in effect for rule in rollout.analysis.metrics)


def questions(state: EnvironmentState, rollout: Rollout, rule: MetricRule) -> tuple[ValueQuery, ...]:
    """What is asked for the candidate and, where they are compared, for the stable."""
    query = rule.query
    if query is None:
        return ()
    stable = (state.stable,) if rule.worse_by is not None and state.stable else ()
    return tuple(_filled(query, revision, rule) for revision in (rollout.revision, *stable))


def job_value(state: EnvironmentState, job: JobId, seen: JobSeen | None) -> Value | None:
    """None while it has neither ended nor failed to start."""
    if seen is None:
        failure = next((one for one in reversed(state.failures) if f"({job})" in one.effect), None)
        return Value(missing=f"the job could not be started: {failure.why}") if failure else None
    match seen.state:
        case "running":
            return None
        case "passed":
            return Value(1.0)
        case "failed":
            return Value(0.0, detail=seen.detail)
        case "lost":
            return Value(missing=f"the job was lost: {seen.detail}")


def jobs_due(rollout: Rollout, now: datetime) -> dict[JobId, Check]:
    return {reading_id(rollout, rule): rule.job for rule in due(rollout, now) if rule.job}


def _tally(rollout: Rollout, rule: MetricRule) -> Tally:
    return counts_of(rollout).of(rollout.position, rule.name)


def _begin(rollout: Rollout, rule: MetricRule) -> str:
    return f"{rollout.id}-{rollout.position}-{rule.name}-"


def _filled(ask: ValueQuery, revision: Revision, rule: MetricRule) -> ValueQuery:
    """All of these are names of ours, of letters, digits, - and _: they mean nothing in a query or a URL."""
    application, _, environment = revision.environment.partition("/")
    milliseconds = round(rule.interval.total_seconds() * 1000)
    known = (application, environment, revision.release, revision.id, f"{milliseconds}ms")
    names = dict(zip(PLACEHOLDERS, known, strict=True))

    def filled(text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: names[found[1]], text)

    settings = {name: filled(text) for name, text in ask.settings.items()}
    return replace(ask, expression=filled(ask.expression), settings=settings)
