"""Contradictions: fields that are well formed each by itself and cannot all hold."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import get_close_matches

from headgate.model.selectors import named as placeholders_of
from headgate.spec.check_rules import checks
from headgate.spec.entrance_rules import entrances
from headgate.spec.host_rules import hosts
from headgate.spec.manifest_rules import workloads
from headgate.spec.metric_rules import metrics
from headgate.spec.people_rules import accounts, people_of
from headgate.spec.problems import Path, Problem
from headgate.spec.secret_rules import named_stores
from headgate.spec.sections.analysis import AnalysisSection
from headgate.spec.sections.gate import ApprovalSection
from headgate.spec.sections.metrics import SELECTING
from headgate.spec.specification import Specification
from headgate.spec.terraform_rules import destroying
from headgate.spec.units import written
from headgate.spec.variables import all_variables

REFERENCES = re.compile(r"(?<!\$)\$\{?([A-Za-z_][A-Za-z0-9_]*)")  # of variables, in a command


def contradictions(spec: Specification) -> list[Problem]:
    names = (order, advance, integrations, known_services, ports, check_names, step_names, step_needs, group_names)
    own = (secret_arguments, named_stores, checks, accounts, workloads, destroying)
    rules = (soak, sign_offs, replicas, approvals, analysis, scrapes, selectors, metrics, hosts, entrances, *own)
    return [problem for rule in (*names, *rules) for problem in rule(spec)]


def order(spec: Specification) -> Iterator[Problem]:
    """`after` names another environment, and following it ends."""
    for name, environment in spec.environments.items():
        path: Path = ("environments", name, "after")
        if environment.after is None:
            continue
        if environment.after not in spec.environments:
            yield spec.problem(path, *_known(environment.after, list(spec.environments), "an environment"))
        elif name in (circle := _followed(spec, name)):
            chain = " after ".join([name, *circle[: circle.index(name) + 1]])
            yield spec.problem(path, "an order without a circle", f"Remove one `after` of: {chain}.")


def _followed(spec: Specification, name: str) -> list[str]:
    """The environments before this one, nearest first; stops where one comes round again."""
    passed: list[str] = []
    here = spec.environments[name].after
    while here in spec.environments and here not in passed:
        passed.append(here)
        here = spec.environments[here].after
    return passed


def advance(spec: Specification) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        if environment.deploy == "on-advance" and environment.after is None:
            remedy = "Add `after: ENVIRONMENT`, the one that releases advance from."
            yield spec.problem(("environments", name, "deploy"), "on-build or on-request, without `after`", remedy)


def integrations(spec: Specification) -> Iterator[Problem]:
    """An integration of branches is for one environment: nothing comes to it from another, and nothing goes on."""
    for name, environment in spec.environments.items():
        if environment.integrate and (environment.after or environment.deploy not in (None, "on-build")):
            path: Path = ("environments", name, "after" if environment.after else "deploy")
            yield spec.problem(path, "neither after nor deploy, together with integrate", "Remove it, or integrate.")
        before = spec.environments.get(environment.after or "")
        if before and before.integrate:
            remedy = f"{environment.after} integrates branches, which never go further: name another environment."
            yield spec.problem(("environments", name, "after"), "an environment that does not integrate", remedy)


def known_services(spec: Specification) -> Iterator[Problem]:
    """`listen`, `replicas` and `services` name services."""
    for name, environment in spec.environments.items():
        fields: dict[str, Iterable[str]] = {"listen": environment.listen, "replicas": environment.replicas}
        for field, named in {**fields, "services": environment.services}.items():
            for service in named:
                if service not in spec.services:
                    path = ("environments", name, field, service)
                    yield spec.key_problem(path, *_known(service, list(spec.services), "a service"))


def secret_arguments(spec: Specification) -> Iterator[Problem]:
    """Everybody on a machine may read its command lines."""
    layers = list(all_variables(spec))
    for name, service in spec.services.items():
        mine = [env for path, env in layers if path[0] != "services" or path[1] == name]
        secret = {one for env in mine for one, value in env.items() if value.kind == "secret" and not value.as_file}
        for position, part in enumerate(service.command or ()):
            if found := next((one for one in REFERENCES.findall(part) if one in secret), None):
                remedy = f"${found} is a secret: let the program read the variable, or hand it over with `as: file`."
                path = ("services", name, "command", position)
                yield spec.problem(path, "arguments without secrets", remedy)


def ports(spec: Specification) -> Iterator[Problem]:
    """Every public port is claimed once: they are all on one loopback address."""
    claimed: dict[int, str] = {}
    for name, environment in spec.environments.items():
        for service, port in environment.listen.items():
            if port in claimed:
                remedy = f"{claimed[port]} has it already: write another port."
                yield spec.problem(("environments", name, "listen", service), "a port that nothing else claims", remedy)
            claimed.setdefault(port, f"{service} in {name}")


def soak(spec: Specification) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        for position, gate in enumerate(environment.gates):
            if gate.soak is not None and environment.after is None:
                path = ("environments", name, "gates", position, "soak")
                remedy = "Add `after: ENVIRONMENT`, the one where releases prove themselves."
                yield spec.problem(path, "soak only together with `after`", remedy)


def sign_offs(spec: Specification) -> Iterator[Problem]:
    """The sign-off is another environment's: one asked for here could be given only after the start."""
    for name, environment in spec.environments.items():
        for position, gate in enumerate(environment.gates):
            others = [other for other in spec.environments if other != name]
            if gate.sign_off is not None and gate.sign_off.from_ not in others:
                path = ("environments", name, "gates", position, "sign_off", "from")
                nothing = "There is none: add the one where people try releases, or remove the gate."
                known = _known(gate.sign_off.from_, others, "another environment")
                yield spec.problem(path, *(known if others else ("another environment", nothing)))


def replicas(spec: Specification) -> Iterator[Problem]:
    """An environment is compared with others of this file."""
    for name, environment in spec.environments.items():
        others = [other for other in spec.environments if other != name]
        for position, gate in enumerate(environment.gates):
            if gate.parity is not None and gate.parity not in others:
                path: Path = ("environments", name, "gates", position, "parity")
                yield spec.problem(path, *_other(gate.parity, others))
        for other in environment.parity:
            if other not in others:
                yield spec.key_problem(("environments", name, "parity", other), *_other(other, others))


def _other(name: str, others: list[str]) -> tuple[str, str]:
    nothing = "another environment", "There is none: add one, or remove this."
    return _known(name, others, "another environment") if others else nothing


def approvals(spec: Specification) -> Iterator[Problem]:
    """As many people as must approve, where every name is a group of this file: other names may be groups elsewhere."""
    for path, approval in approval_sections(spec):
        people = people_of(spec, approval.from_)
        if approval.from_ and set(approval.from_) <= spec.content.groups.keys() and len(people) < approval.count:
            remedy = "Lower the count, or name more people."
            yield spec.problem((*path, "count"), f"at most {len(people)}, the number of people named", remedy)


def approval_sections(spec: Specification) -> Iterator[tuple[Path, ApprovalSection]]:
    for name, environment in spec.environments.items():
        for position, gate in enumerate(environment.gates):
            if gate.approval is not None:
                yield ("environments", name, "gates", position, "approval"), gate.approval


def check_names(spec: Specification) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        seen: set[str] = set()
        for position, check in enumerate(environment.checks):
            if check.called in seen:
                path = ("environments", name, "checks", position)
                allowed = "checks with names of their own"
                yield spec.problem(path, allowed, "Give this one another name.", f"{check.called} twice")
            seen.add(check.called)


def step_names(spec: Specification) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, step in enumerate(spec.content.pipeline.ci):
        if step.name in seen:
            path = ("pipeline", "ci", position, "name")
            yield spec.problem(path, "steps with names of their own", "Give this one another name.")
        seen.add(step.name)


def step_needs(spec: Specification) -> Iterator[Problem]:
    """`needs` names other steps, and following it ends."""
    steps = spec.content.pipeline.ci
    above: dict[str, list[str]] = {}
    for position, step in enumerate(steps):
        above[step.name] = [steps[position - 1].name] if step.needs is None and position else step.needs or []
    for position, step in enumerate(steps):
        for index, needed in enumerate(step.needs or []):
            path: Path = ("pipeline", "ci", position, "needs", index)
            if needed not in above:
                yield spec.problem(path, *_known(needed, list(above), "a step"))
            elif step.name == needed or step.name in _all_before(needed, above):
                yield spec.problem(path, "an order without a circle", f"{needed} itself waits for {step.name}.")


def _all_before(step: str, above: dict[str, list[str]]) -> set[str]:
    """What a step needs, and what that needs in turn."""
    found: set[str] = set()
    left = list(above.get(step, []))
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += above.get(name, [])
    return found


def group_names(spec: Specification) -> Iterator[Problem]:
    """Groups hold people: a group in a group would be read as a person's name."""
    for group, people in spec.content.groups.items():
        for position, person in enumerate(people):
            if person in spec.content.groups:
                yield spec.problem(
                    ("groups", group, position), "people, no groups", f"Write the people of {person} out."
                )


def analysis(spec: Specification) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        rules, path = environment.analysis, ("environments", name, "analysis")
        yield from _margins(spec, path, rules)
        if environment.interval > rules.at_least:
            allowed = f"at least {written(environment.interval)}, the interval of one measurement"
            yield spec.problem(
                (*path, "at_least"), allowed, "Watch longer, or measure more often.", written(rules.at_least)
            )
        if rules.at_least > rules.deadline:
            allowed = f"more than {written(rules.at_least)}, how long each step is watched at least"
            yield spec.problem((*path, "deadline"), allowed, "Lengthen the deadline.", written(rules.deadline))


def scrapes(spec: Specification) -> Iterator[Problem]:
    """Between two scrapes nothing is measured: shorter windows would show now one side's requests, now the other's."""
    for name, environment in spec.environments.items():
        seconds, interval = environment.metrics.settings.get("scrape_interval"), environment.interval
        if seconds and interval < (between := timedelta(seconds=float(seconds))):
            path = ("environments", name, "analysis", "interval")
            allowed = f"at least {written(between)}, the time between two scrapes of Prometheus"
            remedy = f"Write `analysis: {{interval: {written(2 * between)}}}`, or the true scrape_interval."
            yield spec.problem(path, allowed, remedy, written(interval))


def selectors(spec: Specification) -> Iterator[Problem]:
    """With several services, each is measured by itself."""
    for name, environment in spec.environments.items():
        for field in SELECTING if len(spec.services) > 1 else ():
            written_so = environment.metrics.settings.get(field)
            if written_so and not placeholders_of(written_so) & {"service", "workload"}:
                path = ("environments", name, "metrics", environment.metrics.source, field)
                remedy = 'Add service="{service}", or all services are the same numbers.'
                yield spec.problem(path, "a selector with the placeholder {service}", remedy)


def _margins(spec: Specification, path: Path, rules: AnalysisSection) -> Iterator[Problem]:
    """What lies between tolerated and ruled out can be proven neither way: without room, every release ends there."""
    errors, latency = rules.errors, rules.latency
    for name, section, least in (
        ("errors", errors, errors.worse_by),
        ("latency", latency, min(latency.worse_by, latency.p99_worse_by)),
    ):
        if section.tolerated is not None and section.tolerated >= least:
            remedy = "Lower it, or leave it out: it then follows from worse_by."
            yield spec.problem((*path, name, "tolerated"), "less than what promotion rules out", remedy)


def _known(found: str, known: list[str], what: str) -> tuple[str, str]:
    """What is allowed, and what to do, for a name that names nothing."""
    close = get_close_matches(found, known, 1)
    return f"{what}: {', '.join(known)}", f"Did you mean {close[0]}?" if close else "Write one of these."
