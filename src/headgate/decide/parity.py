"""Whether one environment is a replica of another: ordered rules, each of which finds one kind of difference.

Values of variables are meant to differ, and are not compared; that they are there, and are secrets, is.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import ceil

from headgate.model.observations import Place
from headgate.model.parity import Parity, ParityGate
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Application, Environment
from headgate.model.services import Service, Value

MOST = 3  # differences that a gate's sentence names


@dataclass(frozen=True, slots=True)
class Difference:
    what: str  # "replicas web": what `accept` of the file names
    sentence: str
    accepted: str = ""  # why; empty: it is not


Rule = Callable[[Place, Place], Iterator[Difference]]


def differences(left: Place, right: Place) -> list[Difference]:
    """In the order of the rules, each with why it is accepted, if it is."""
    found = [one for rule in RULES for one in rule(left, right)]
    return [replace(one, accepted=_accepted(one.what, left, right)) for one in found]


def closed(gate: ParityGate, here: Place, there: Place | None) -> str:
    """Why the gate is closed; empty: it is open. What cannot be compared is no replica."""
    if there is None:
        return f"whether {gate.environment} is a replica cannot be told: it is not in the applied specification"
    if there.revision is None:
        return f"whether {gate.environment} is a replica cannot be told: nothing is stable there"
    left = [one for one in differences(there, here) if not one.accepted]
    if not left:
        return ""
    named = "; ".join(one.sentence for one in left[:MOST])
    more = f"; and {len(left) - MOST} more" if len(left) > MOST else ""
    told = f"`headgate parity {gate.environment} {here.rules.name}`"
    return f"{gate.environment} is no replica of {here.rules.name}: {named}{more}: {told}"


def beside(
    specification: Application | None, rules: Environment, states: Mapping[str, EnvironmentState]
) -> dict[str, Place]:
    """The environments that gates of these rules compare theirs with; of platforms' versions, nothing."""
    named = [gate.environment for gate in rules.gates if isinstance(gate, ParityGate)]
    found = {name: specification.environment(name) if specification else None for name in named}
    return {name: Place(one, states[name].stable, None) for name, one in found.items() if one and name in states}


# --- the rules


def other_platforms(left: Place, right: Place) -> Iterator[Difference]:
    yield from _differ("platform", left, right, left.rules.platform, right.rules.platform)


def other_versions_of_the_platform(left: Place, right: Place) -> Iterator[Difference]:
    """Of a platform that says none, none is compared; one that cannot be asked is another for all one knows."""
    for place in (left, right):
        if place.version is None:
            yield Difference("platform-version", f"platform version: that of {place.rules.name} cannot be told")
            return
    if left.rules.platform == right.rules.platform and left.version and right.version:
        yield from _differ("platform-version", left, right, left.version, right.version)


def other_routers(left: Place, right: Place) -> Iterator[Difference]:
    yield from _differ("traffic", left, right, left.rules.traffic, right.rules.traffic)


def other_sources_of_metrics(left: Place, right: Place) -> Iterator[Difference]:
    yield from _differ("metrics", left, right, left.rules.metrics, right.rules.metrics)


def other_numbers_of_hosts(left: Place, right: Place) -> Iterator[Difference]:
    yield from _differ("hosts", left, right, len(left.rules.hosts) or 1, len(right.rules.hosts) or 1)


def other_stores_of_secrets(left: Place, right: Place) -> Iterator[Difference]:
    kinds = [", ".join(sorted({one.kind for one in place.rules.secrets.values()})) or "none" for place in (left, right)]
    yield from _differ("stores", left, right, *kinds)


def other_infrastructure(left: Place, right: Place) -> Iterator[Difference]:
    kinds = [place.rules.infrastructure.kind if place.rules.infrastructure else "none" for place in (left, right)]
    yield from _differ("infrastructure", left, right, *kinds)


def other_resources(left: Place, right: Place) -> Iterator[Difference]:
    """By type, each once. That an address carries the environment's own name is no difference."""
    for place in (left, right):
        if place.resources is None:
            yield Difference("resource", f"resource: those of {place.rules.name} cannot be told")
            return
    both = _by_type(left), _by_type(right)
    for kind in sorted({*both[0], *both[1]}):
        one, other = both[0].get(kind, Counter()), both[1].get(kind, Counter())
        if one != other:
            alone = [_alone(left, one - other), _alone(right, other - one)]
            sides = f"{one.total()} in {left.rules.name}, {other.total()} in {right.rules.name}"
            yield Difference(f"resource {kind}", f"resource {kind}: {sides}; {'; '.join(filter(None, alone))}")


def _by_type(place: Place) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for one in place.resources or ():
        found.setdefault(one.type, Counter())[one.address.replace(place.rules.name, "ENVIRONMENT")] += 1
    return found


def _alone(place: Place, addresses: Counter[str]) -> str:
    named = [one.replace("ENVIRONMENT", place.rules.name) for one in sorted(addresses)]
    more = f" and {len(named) - MOST} more" if len(named) > MOST else ""
    return f"only {place.rules.name} has {', '.join(named[:MOST])}{more}" if named else ""


def other_releases(left: Place, right: Place) -> Iterator[Difference]:
    both = _revision(left), _revision(right)
    if both[0].release != both[1].release:
        yield from _differ("release", left, right, both[0].label, both[1].label)


def services_of_one_alone(left: Place, right: Place) -> Iterator[Difference]:
    both = _services(left), _services(right)
    for name in dict.fromkeys([*both[0], *both[1]]):
        if (name in both[0]) != (name in both[1]):
            yield _only(f"service {name}", left if name in both[0] else right)


def other_images(left: Place, right: Place) -> Iterator[Difference]:
    for name, one, other in _pairs(left, right):
        yield from _differ(f"image {name}", left, right, one.image or "none", other.image or "none")


def other_definitions(left: Place, right: Place) -> Iterator[Difference]:
    """Which program, how it is asked whether it is well, how far it is closed."""
    for name, one, other in _pairs(left, right):
        both = [(s.command, s.port, s.build, s.dockerfile, s.health, s.container, s.migrations) for s in (one, other)]
        if both[0] != both[1]:
            fields = ("command", "port", "folder", "image's build", "health", "container", "migrations")
            named = ", ".join(field for field, a, b in zip(fields, *both, strict=True) if a != b)
            yield Difference(f"definition {name}", f"definition {name}: {named} not the same")


def other_replicas_for_the_traffic(left: Place, right: Place) -> Iterator[Difference]:
    """Where one gets a tenth of the traffic it needs a tenth of the instances, and at least one."""
    share = _share(left, right)
    for name, one, other in _pairs(left, right):
        fits = one.replicas == _scaled(other.replicas, share) or other.replicas == _scaled(one.replicas, 1 / share)
        if not fits:
            told = "" if share == 1 else f", {share:.4g} times the traffic"
            sides = f"{one.replicas} in {left.rules.name}{told}, {other.replicas} in {right.rules.name}"
            yield Difference(f"replicas {name}", f"replicas {name}: {sides}")


def variables_of_one_alone(left: Place, right: Place) -> Iterator[Difference]:
    for name, one, other in _pairs(left, right):
        for variable in dict.fromkeys([*one.env, *other.env]):
            there = variable in one.env, variable in other.env
            if there[0] != there[1]:
                value = one.env.get(variable) or other.env[variable]
                yield _only(f"{_kind(value)} {name}.{variable}", left if there[0] else right)


def variables_of_another_kind(left: Place, right: Place) -> Iterator[Difference]:
    """A secret here and plain text there; a variable here and a file there."""
    for name, one, other in _pairs(left, right):
        for variable in (each for each in one.env if each in other.env):
            both = one.env[variable], other.env[variable]
            said = [f"{value.kind}{' as a file' if value.as_file else ''}" for value in both]
            what = "secret" if "secret" in {value.kind for value in both} else "variable"
            yield from _differ(f"{what} {name}.{variable}", left, right, *said)


RULES: tuple[Rule, ...] = (
    other_platforms,
    other_versions_of_the_platform,
    other_routers,
    other_sources_of_metrics,
    other_numbers_of_hosts,
    other_stores_of_secrets,
    other_infrastructure,
    other_resources,
    other_releases,
    services_of_one_alone,
    other_images,
    other_definitions,
    other_replicas_for_the_traffic,
    variables_of_one_alone,
    variables_of_another_kind,
)


# --- what they have in common


def _differ(what: str, left: Place, right: Place, one: object, other: object) -> Iterator[Difference]:
    if one != other:
        yield Difference(what, f"{what}: {one} in {left.rules.name}, {other} in {right.rules.name}")


def _only(what: str, place: Place) -> Difference:
    return Difference(what, f"{what}: only in {place.rules.name}")


def _kind(value: Value) -> str:
    return "secret" if value.kind == "secret" else "variable"


def _revision(place: Place) -> Revision:
    if place.revision is None:
        raise ValueError(f"nothing is stable in {place.rules.name}")
    return place.revision


def _services(place: Place) -> Mapping[str, Service]:
    return {one.name: one for one in _revision(place).services}


def _pairs(left: Place, right: Place) -> Iterator[tuple[str, Service, Service]]:
    there = _services(right)
    return ((name, one, there[name]) for name, one in _services(left).items() if name in there)


def _towards(here: Place, there: Place) -> Parity:
    return here.rules.parity.get(there.rules.name, Parity())


def _share(left: Place, right: Place) -> float:
    """Traffic on the left for each request on the right: as the one says of the other, whichever says it."""
    return _towards(right, left).traffic / _towards(left, right).traffic


def _scaled(replicas: int, share: float) -> int:
    return max(1, ceil(round(replicas * share, 6)))


def _accepted(what: str, left: Place, right: Place) -> str:
    said = (*_towards(right, left).accept, *_towards(left, right).accept)
    return next((one.why for one in said if fnmatchcase(what, one.what)), "")
