"""Contradictions within `environments.NAME.traffic`, where somebody else's proxy carries it."""

from collections.abc import Iterator

from headgate.spec.problems import Path, Problem
from headgate.spec.sections.environment import EnvironmentSection
from headgate.spec.specification import Specification


def entrances(spec: Specification) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        if environment.traffic.entrance is not None:
            path: Path = ("environments", name, "traffic", environment.traffic.router)
            yield from _known_services(spec, path, environment)
            yield from _on_kubernetes(spec, name, environment)
            yield from _listened(spec, name, environment)
            yield from _measured(spec, name, environment)
            yield from _shifted(spec, path, environment)
            yield from _as_ingress_nginx_can(spec, name, environment)


def _known_services(spec: Specification, path: Path, environment: EnvironmentSection) -> Iterator[Problem]:
    at = environment.traffic.entrance
    for field, named in (("hostnames", at.hostnames), ("previews", at.previews)) if at else ():
        for service in named:
            if service not in spec.services:
                allowed = f"services of this file: {', '.join(spec.services)}"
                yield spec.problem((*path, field, service), allowed, "Write one of these.", service)


def _on_kubernetes(spec: Specification, name: str, environment: EnvironmentSection) -> Iterator[Problem]:
    if environment.platform.name != "kubernetes":
        remedy = "Use `traffic: envoy`, or platform kubernetes."
        path: Path = ("environments", name, "traffic")
        allowed = f"a router for platform {environment.platform.name}"
        yield spec.problem(path, allowed, remedy, environment.traffic.router)


def _listened(spec: Specification, name: str, environment: EnvironmentSection) -> Iterator[Problem]:
    for service, port in environment.listen.items():
        remedy = f"Remove it: {environment.traffic.router} has ports of its own, and hostnames tell services apart."
        yield spec.problem(("environments", name, "listen", service), "no port here", remedy, str(port))


def _measured(spec: Specification, name: str, environment: EnvironmentSection) -> Iterator[Problem]:
    """Our Envoy sees none of it: what it counts would be nothing, for ever."""
    if environment.metrics.source == "envoy" and (environment.strategy.canary or environment.bake):
        remedy = "Ask a Prometheus: `metrics: {prometheus: {url: ADDRESS, preset: istio}}`; see docs/metrics.md."
        path: Path = ("environments", name, "metrics")
        yield spec.problem(path, "metrics of what carries the traffic", remedy, "envoy")


def _shifted(spec: Specification, path: Path, environment: EnvironmentSection) -> Iterator[Problem]:
    """Requests between services do not come by the entrance, and a Service cannot split them by weight."""
    at = environment.traffic.entrance
    for service in spec.services if at and environment.strategy.canary else ():
        if at and service not in at.hostnames:
            remedy = f"Add `{service}: [HOSTNAME]`, or use blue-green, which switches what is reached from inside too."
            yield spec.problem((*path, "hostnames"), "a hostname for each service of a canary", remedy, "none")


def _as_ingress_nginx_can(spec: Specification, name: str, environment: EnvironmentSection) -> Iterator[Problem]:
    canary, blue_green = environment.strategy.canary, environment.strategy.blue_green
    chosen = canary or blue_green
    if environment.traffic.router != "ingress_nginx" or chosen is None:
        return
    path: Path = ("environments", name, "strategy", "canary" if canary else "blue-green")
    if canary and canary.baseline:
        remedy = "Remove it, or use traffic gateway_api: ingress-nginx has one canary beside the stable."
        yield spec.problem((*path, "baseline"), "no baseline with ingress_nginx", remedy, "a third backend")
    if canary and canary.sticky:
        remedy = "Remove it: an ingress-nginx canary keeps nobody on the stable's side."
        yield spec.problem((*path, "sticky"), "no sticky with ingress_nginx", remedy, "cookie")
    if chosen.audience and len(chosen.audience.header) > 1:
        remedy = "Name one header: an ingress-nginx canary is chosen by one."
        yield spec.problem((*path, "audience"), "one header with ingress_nginx", remedy, "several headers")
