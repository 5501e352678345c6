"""Contradictions within checks: services that are not there, and a load that its time limit cuts short."""

from collections.abc import Iterator
from datetime import timedelta

from headgate.spec.problems import Path, Problem
from headgate.spec.sections.check import CheckSection
from headgate.spec.specification import Specification
from headgate.spec.units import written

SLACK = timedelta(seconds=15)  # for the last answers, and to begin


def checks(spec: Specification) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        for position, check in enumerate(environment.checks):
            path: Path = ("environments", name, "checks", position)
            yield from _services(spec, path, check)
            yield from _time(spec, path, check)


def _services(spec: Specification, path: Path, check: CheckSection) -> Iterator[Problem]:
    named = [((*path, "http", at, "service"), one.service) for at, one in enumerate(check.http or ())]
    named += [((*path, "load", "service"), check.load.service)] if check.load else []
    for where, service in named:
        if service is not None and service not in spec.services:
            yield spec.problem(where, f"a service: {', '.join(spec.services)}", "Write one of these.", service)


def _time(spec: Specification, path: Path, check: CheckSection) -> Iterator[Problem]:
    if check.load is None:
        return
    needed = check.load.for_ + (check.load.warm_up or timedelta()) + SLACK
    if needed > check.timeout:
        remedy = f"Add `timeout: {written(needed)}` to this check, or offer it for less."
        allowed = f"at most {written(check.timeout - SLACK)} with its warm_up, within its timeout"
        yield spec.problem((*path, "load", "for"), allowed, remedy, written(check.load.for_))
