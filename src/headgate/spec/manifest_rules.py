"""Rules about manifests that a team has already: who takes them, and what they are for."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from posixpath import dirname, join, normpath

from headgate.model.manifests import Manifests
from headgate.spec.problems import Problem
from headgate.spec.specification import Specification


def of_environment(spec: Specification, name: str) -> Manifests | None:
    """An environment's own win."""
    return spec.environments[name].manifests or spec.content.manifests


def placed(found: Manifests | None, file: str) -> Manifests | None:
    """Paths in the file are below the file; in a release they are below its source."""
    if found is None:
        return None
    path, *values = (normpath(join(dirname(file), one)) for one in (found.path, *found.values))
    return replace(found, path=path, values=tuple(values))


def workloads(spec: Specification) -> Iterator[Problem]:
    """A service's workload is one of its manifests'."""
    if any(of_environment(spec, name) for name in spec.environments):
        return
    for name, service in spec.services.items():
        if service.workload is not None:
            remedy = "Add `manifests: PATH`, or remove it: Headgate writes the Deployment itself."
            yield spec.problem(("services", name, "workload"), "a workload of `manifests`", remedy, "no manifests")


def manifests(spec: Specification, present: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Manifests of the whole file are for the environments that take some."""
    able = present.get("manifests", ())
    for name, environment in spec.environments.items():
        if environment.manifests and environment.platform.name not in able:
            allowed = ", ".join(sorted(able)) or "no manifests: no platform that is installed takes any"
            remedy = f"Platform {environment.platform.name} takes no manifests: remove them, or use another platform."
            yield spec.problem(("environments", name, "manifests"), allowed, remedy, environment.platform.name)
    if spec.content.manifests and not any(one.platform.name in able for one in spec.environments.values()):
        allowed = ", ".join(sorted(able)) or "no manifests: no platform that is installed takes any"
        remedy = "No environment is on a platform that takes manifests: remove them."
        yield spec.problem(("manifests",), allowed, remedy, "platforms that take none")
