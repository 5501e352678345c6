"""One environment of a file as a developer runs it: from the working tree, at once, without what judges a release."""

from collections.abc import Iterator
from datetime import timedelta

from headgate.model.rules import Application, Deadlines, Environment, Strategy
from headgate.model.services import Value
from headgate.spec.problems import Problem, SpecificationError
from headgate.spec.sections.environment import EnvironmentSection
from headgate.spec.specification import Specification
from headgate.spec.variables import all_variables, in_environment, of_each_service, of_environment

# A change is seen at once: what was saved before is given no time to end in good order.
DRAIN, RETIRE = timedelta(seconds=1), timedelta(seconds=4)


def development(spec: Specification, environment: str, tree: str, file: str) -> Application:
    """Raises SpecificationError where a service cannot run as a process of this machine."""
    section = spec.environments.get(environment)
    if section is None:
        remedy = f"Add `{environment}: {{platform: process}}`, or name another with --environment."
        known = f"an environment {environment}; there are: {', '.join(spec.environments)}"
        raise SpecificationError([spec.problem(("environments",), known, remedy, f"no {environment}")])
    if problems := [*_commands(spec), *_values(spec, environment, section)]:
        raise SpecificationError(problems)
    return Application(spec.application, tree, file, (_environment(spec, environment, section),))


def _environment(spec: Specification, name: str, section: EnvironmentSection) -> Environment:
    return Environment(
        name=name,
        platform="process",
        deploy="on-build",
        concurrency="replace",
        branches=("*",),
        strategy=Strategy("all-at-once"),
        keep_warm=timedelta(0),
        listen=dict(section.listen),
        replicas=dict(section.replicas),
        env=of_environment(spec, name),
        service_env=of_each_service(spec, name),
        deadlines=Deadlines(ready=section.deadlines.ready, retire=RETIRE, drain=DRAIN),
    )


def _commands(spec: Specification) -> Iterator[Problem]:
    for name, service in spec.services.items():
        if service.command is None:
            remedy = "Add `command: [PROGRAM, ARGUMENT]`: here it runs as a process, without an image."
            yield spec.problem(("services", name), "a service with a command", remedy, "none")


def _values(spec: Specification, environment: str, section: EnvironmentSection) -> Iterator[Problem]:
    """The environment's own value wins over the others: only what is left must be text."""
    own = [path for path, _ in in_environment(environment, section)]
    for path, env in all_variables(spec):
        if path[0] == "environments" and path not in own:
            continue
        for variable, value in env.items():
            if value.kind != "plain" and (path in own or variable not in section.env):
                yield _no_text(spec, (*path, variable), environment, variable, value)


def _no_text(
    spec: Specification, path: tuple[str | int, ...], environment: str, variable: str, value: Value
) -> Problem:
    remedy = f"Write `environments.{environment}.env.{variable}` with the text to use on a developer's machine."
    return spec.problem(path, "text, where nothing resolves it", remedy, f"{value.kind} {value.text}")
