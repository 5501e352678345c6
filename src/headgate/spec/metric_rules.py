"""Contradictions within `environments.NAME.analysis.metrics`."""

from collections.abc import Iterator

from headgate.spec.problems import Path, Problem
from headgate.spec.sections.environment import EnvironmentSection
from headgate.spec.sections.metric import MetricSection
from headgate.spec.specification import Specification
from headgate.spec.units import written


def metrics(spec: Specification) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        seen: set[str] = set()
        for position, metric in enumerate(environment.analysis.metrics):
            path: Path = ("environments", name, "analysis", "metrics", position)
            if metric.name in seen:
                allowed = "metrics with names of their own"
                yield spec.problem((*path, "name"), allowed, "Give this one another name.", f"{metric.name} twice")
            seen.add(metric.name)
            yield from _read_at_all(spec, path, environment)
            yield from _asked_where(spec, path, metric, environment)
            yield from _compared(spec, path, metric, environment)
            yield from _in_time(spec, path, metric, environment)


def _read_at_all(spec: Specification, path: Path, environment: EnvironmentSection) -> Iterator[Problem]:
    """What would never be read is refused instead of being dropped in silence."""
    if not environment.strategy.canary and not environment.bake:
        remedy = "Metrics are read while a canary is analyzed and while it bakes: add `bake: 10m`, or remove them."
        yield spec.problem(path, "metrics only with a canary or a bake", remedy, "neither")


def _asked_where(
    spec: Specification, path: Path, metric: MetricSection, environment: EnvironmentSection
) -> Iterator[Problem]:
    query = metric.query
    if query and query.url is None and query.source != environment.metrics.source:
        remedy = f"Add `url: ADDRESS`: the environment's own metrics come from {environment.metrics.source}."
        yield spec.problem((*path, "query"), f"a query with the url where {query.source} answers", remedy, "none")
    if query and query.url is None and query.token_from is not None:
        yield spec.problem((*path, "query", "token_from"), "token_from only together with url", "Add `url: ADDRESS`.")


def _compared(
    spec: Specification, path: Path, metric: MetricSection, environment: EnvironmentSection
) -> Iterator[Problem]:
    if metric.worse_by is None:
        return
    here = (*path, "worse_by")
    if metric.job:
        remedy = "Write success or failure, or ask a source with query or web."
        yield spec.problem(here, "worse_by only with query or web: a job runs for the candidate alone", remedy)
    elif not any("{revision}" in text for text in _texts(metric)):
        remedy = "Name the revision in it, or candidate and stable are the same number."
        yield spec.problem(here, "worse_by only with the placeholder {revision} in what is asked", remedy)
    for field in ("count", "failure_limit", "inconclusive_limit"):
        if getattr(metric, field):
            allowed = f"{field} only with success or failure"
            yield spec.problem((*path, field), allowed, "Remove it: what is compared is read until it is proven.")
    if not environment.strategy.canary:
        remedy = "Write success or failure."
        yield spec.problem(here, "worse_by only with a canary: nothing else serves beside the stable", remedy)


def _in_time(
    spec: Specification, path: Path, metric: MetricSection, environment: EnvironmentSection
) -> Iterator[Problem]:
    rules = environment.analysis
    if metric.interval < environment.interval:
        allowed = f"at least {written(environment.interval)}, the interval of one measurement"
        yield spec.problem((*path, "interval"), allowed, "Read it less often.", written(metric.interval))
    if environment.bake and metric.initial_delay >= environment.bake and metric.worse_by is None:
        allowed = f"less than {written(environment.bake)}, the bake"
        remedy = "Read it sooner, or bake for longer: it would never be read there."
        yield spec.problem((*path, "initial_delay"), allowed, remedy, written(metric.initial_delay))
    needed = metric.initial_delay + max(metric.count - 1, 0) * metric.interval
    if needed >= rules.deadline:
        allowed = f"a metric that is read within {written(rules.deadline)}, the deadline of a step"
        remedy = "Read it sooner or less often, or lengthen analysis.deadline."
        yield spec.problem((*path, "count" if metric.count > 1 else "initial_delay"), allowed, remedy, written(needed))
    for field, limit in (("failure_limit", metric.failure_limit), ("inconclusive_limit", metric.inconclusive_limit)):
        if 0 < metric.count <= limit:
            allowed = f"less than {metric.count}, the count of readings"
            yield spec.problem((*path, field), allowed, "Lower it: a metric without a success does not pass.")


def _texts(metric: MetricSection) -> list[str]:
    if metric.query:
        return [metric.query.expression, metric.query.url or ""]
    return [metric.web.url, metric.web.json_path] if metric.web else []
