"""A file's rules, foretold: its text in, and for each environment what they will do to releases. Needs no server."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from headgate.decide.foresight import Doubt, Foresight, foresee
from headgate.decide.traffic import around, traffic
from headgate.model.measurements import Sample, Traffic
from headgate.model.monitors import MonitorRules
from headgate.model.rules import Environment
from headgate.model.steps import describe
from headgate.spec.compile import application as compiled
from headgate.spec.missing import missing
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read
from headgate.spec.specification import Specification

View = dict[str, Any]
Ask = Callable[[str, str], Mapping[str, Any]]  # application, environment -> what was measured there, by service

# A rollback of a real server from request to last answer of the old version (docs/benchmarks.md, switch, HTTP API).
SWITCH = {"envoy": {"usual": 0.019, "worst": 0.040, "origin": "docs/benchmarks.md"}}


@dataclass(frozen=True, slots=True)
class Stated:
    """What whoever asks knows of the traffic of every service."""

    rate: float | None = None  # requests per second
    errors: float | None = None  # share
    latency: float | None = None  # median, ms


ASSUMED = Stated(100.0, 0.005, 80.0)


@dataclass(frozen=True, slots=True)
class Known:
    """Traffic of one service, and whether each figure of it was stated, measured or assumed."""

    traffic: Traffic
    median: float  # ms
    origin: Mapping[str, str]


def plan(text: str, filename: str, present: Mapping[str, Collection[str]], stated: Stated, ask: Ask) -> View:
    """Raises SpecificationError with all that is wrong."""
    specification = read(text, filename)
    if problems := missing(specification, present):
        raise SpecificationError(problems)
    environments, doubts = [], []
    usual = {name: service.replicas for name, service in specification.services.items()}
    for written in compiled(specification, "", filename).environments:
        rules = replace(written, replicas={**usual, **written.replicas})
        measured = ask(specification.application, rules.name)
        known = {name: knowledge(stated, measured.get(name) or {}) for name in specification.services}
        seen = foresee(rules, {name: one.traffic for name, one in known.items()})
        environments.append(_environment(rules, seen, known[seen.thinnest]))
        told = (one for one in seen.doubts if _written(specification, rules, one))
        doubts += [_problem(specification, rules.name, one) for one in told]
    return {"application": specification.application, "environments": environments, "problems": doubts}


def knowledge(stated: Stated, measured: Mapping[str, Any]) -> Known:
    origin = {
        name: "stated" if getattr(stated, name) is not None else "measured" if measured.get(name) else "assumed"
        for name in ("rate", "errors", "latency")
    }
    if measured.get("errors") is not None and stated.errors is None:
        origin["errors"] = "measured"  # none at all is a figure too
    chosen = {"stated": stated, "assumed": ASSUMED}
    rate, errors = (
        float(measured[name]) if origin[name] == "measured" else getattr(chosen[origin[name]], name)
        for name in ("rate", "errors")
    )
    if origin["latency"] == "measured":
        latency = {int(bucket): int(count) for bucket, count in measured["latency"].items()}
        median = Sample(latency=latency).quantile(0.5) or 0.0
    else:
        median = chosen[origin["latency"]].latency or 1.0
        latency = around(median)
    return Known(traffic(rate, errors, latency), median, origin)


def _environment(rules: Environment, seen: Foresight, known: Known) -> View:
    served = known.traffic
    return {
        "environment": rules.name,
        "strategy": rules.strategy.kind,
        "steps": [describe(step) for step in seen.steps],
        "judged": "canary" if rules.strategy.weights else "bake" if rules.bake else "nothing",
        "traffic": {
            "service": seen.thinnest,
            "requests_per_second": served.rate,
            "error_share": served.errors,
            "p50_ms": known.median,
            "origin": dict(known.origin),
        },
        "promotion": {"share": seen.good.promoted, **_span(seen.good.until_promoted)},
        "bake": rules.bake.total_seconds(),
        "preparation": seen.preparation.total_seconds(),
        "deadline": rules.analysis.deadline.total_seconds(),
        "unproven": rules.analysis.unproven,
        "metrics": [one.name for one in rules.analysis.metrics if not one.dry_run],
        "rollback": {**SWITCH.get(rules.traffic, {}), "deadline": rules.deadlines.weight.total_seconds()},
        "warm": _kept_warm(rules),
        "monitor": _monitor(rules.monitor) if rules.monitor else None,
        "regressions": [_regression(what, course) for what, course in seen.worse.items()],
    }


def _kept_warm(rules: Environment) -> View:
    """What going back in an instant costs after each promotion: all that was replaced stays up."""
    lasts = max(rules.keep_warm, rules.monitor.warm) if rules.monitor else rules.keep_warm
    instances = sum(rules.replicas.values())
    return {
        "instances": instances,
        "seconds": lasts.total_seconds(),
        "instance_hours": instances * lasts.total_seconds() / 3600,
    }


def _monitor(rules: MonitorRules) -> View:
    return {
        "seconds": rules.duration.total_seconds(),
        "on_breach": rules.on_breach,
        "availability": rules.availability,
        "latency": [{"share": one.share, "seconds": one.limit.total_seconds()} for one in rules.latency],
    }


def _regression(what: str, course: Any) -> View:
    return {
        "what": what,
        "caught": course.caught,
        **_span(course.until_caught),
        "bad": course.bad.usual if course.bad else None,
        "worst_bad": course.bad.worst if course.bad else None,
        "weight": course.weight,
        "promoted": course.promoted,
        "stopped": course.stopped,
    }


def _span(span: Any) -> View:
    return {"usual": span.usual if span else None, "worst": span.worst if span else None}


def _written(specification: Specification, rules: Environment, doubt: Doubt) -> bool:
    """That rules do nothing is worth a word only where someone wrote them."""
    return doubt.path != ("analysis",) or "analysis" in specification.environments[rules.name].model_fields_set


def _problem(specification: Specification, environment: str, doubt: Doubt) -> View:
    path = ("environments", environment, *doubt.path)
    return asdict(specification.problem(path, doubt.allowed, doubt.remedy, doubt.found))
