"""Contradictions within `environments.NAME.platform`: what cannot work on several hosts is refused here."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from headgate.spec.problems import Path, Problem
from headgate.spec.sections.environment import EnvironmentSection
from headgate.spec.sections.platform import LOOPBACK, SSH
from headgate.spec.specification import Specification


def hosts(spec: Specification) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        path: Path = ("environments", name, "platform", "docker")
        yield from _named_once(spec, (*path, "hosts"), environment)
        if any(host.engine.startswith(SSH) for host in environment.platform.hosts):
            yield from _reach_each_other(spec, path, environment)
            yield from _reach_the_registry(spec, path)


def _named_once(spec: Specification, path: Path, environment: EnvironmentSection) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, host in enumerate(environment.platform.hosts):
        if {host.engine, host.address} & seen:
            yield spec.problem((*path, position), "each host once", "Remove it, or write another.", host.engine)
        seen |= {host.engine, host.address}


def _reach_each_other(spec: Specification, path: Path, environment: EnvironmentSection) -> Iterator[Problem]:
    if len(spec.services) > 1 and not environment.platform.server:
        remedy = "Add `server: 10.0.0.2`, the address of this server's machine at which the hosts reach it."
        allowed = "several services on other hosts only with `server`: they reach each other through its Envoy"
        yield spec.problem(path, allowed, remedy, "none")


def _reach_the_registry(spec: Specification, path: Path) -> Iterator[Problem]:
    registry = spec.content.registry
    docker = registry.docker if registry else None
    host = urlsplit(docker.url).hostname if docker else None
    if host in {LOOPBACK, "localhost", "::1"}:
        remedy = "Write the registry's address as other machines reach it, with https://."
        yield spec.problem((*path, "hosts"), "hosts that reach the registry", remedy, f"a registry at {host}")
