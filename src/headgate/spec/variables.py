"""Variables of a file in their layers, each value with the place it stands at."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from headgate.model.services import Value
from headgate.spec.problems import Path, dotted
from headgate.spec.sections.environment import EnvironmentSection
from headgate.spec.specification import Specification


def of_service(spec: Specification, name: str) -> dict[str, Value]:
    """What travels in the release: what the file says for all services, then for this one."""
    return {**_located(spec, ("env",), spec.content.env), **_located(spec, *_own(spec, name))}


def of_environment(spec: Specification, name: str) -> dict[str, Value]:
    path: Path = ("environments", name, "env")
    return _located(spec, path, spec.environments[name].env)


def of_each_service(spec: Specification, name: str) -> dict[str, dict[str, Value]]:
    """What the environment says for one service alone."""
    services = spec.environments[name].services
    above: Path = ("environments", name, "services")
    found = {one: _located(spec, (*above, one, "env"), section.env) for one, section in services.items()}
    return {one: env for one, env in found.items() if env}


def all_variables(spec: Specification) -> Iterator[tuple[Path, dict[str, Value]]]:
    """Every mapping of variables in the file, by its path."""
    yield ("env",), spec.content.env
    for name in spec.services:
        yield _own(spec, name)
    for name, section in spec.environments.items():
        yield from in_environment(name, section)


def in_environment(name: str, section: EnvironmentSection) -> Iterator[tuple[Path, dict[str, Value]]]:
    yield ("environments", name, "env"), section.env
    for service, own in section.services.items():
        yield ("environments", name, "services", service, "env"), own.env


def counting(spec: Specification, environment: str, kind: str) -> Iterator[tuple[Path, Value]]:
    """Values of that kind as services get them: a layer's variables win over those of the layers before it."""
    here = spec.environments[environment]
    path: Path = ("environments", environment)
    for name, service in spec.services.items():
        own = here.services[name].env if name in here.services else {}
        layers: list[tuple[Path, Mapping[str, Value]]] = [(("env",), spec.content.env)]
        layers += [(("services", name, "env"), service.env), ((*path, "env"), here.env)]
        layers += [((*path, "services", name, "env"), own)]
        won = {variable: ((*above, variable), value) for above, env in layers for variable, value in env.items()}
        yield from ((place, value) for place, value in won.values() if value.kind == kind)


def _own(spec: Specification, name: str) -> tuple[Path, dict[str, Value]]:
    return ("services", name, "env"), spec.services[name].env


def _located(spec: Specification, path: Path, env: Mapping[str, Value]) -> dict[str, Value]:
    at = {name: spec.tree.line((*path, name)) for name in env}
    return {n: replace(v, origin=f"{dotted(path)} ({spec.tree.file}:{at[n]})") for n, v in env.items()}
