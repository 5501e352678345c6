"""The baseline: fresh copies of the stable, which the candidate is compared with.

The stable's own instances are old: caches warm, memory fragmented. Copies as fresh as the candidate differ in code.
"""

from dataclasses import replace
from hashlib import sha256

from headgate.model.ids import RevisionId, RolloutId
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.routes import Routes
from headgate.model.rules import Strategy

ID_LENGTH = 12  # hexadecimal digits, as of any revision


def baseline(rollout: RolloutId, strategy: Strategy, candidate: Revision, stable: Revision | None) -> Revision | None:
    """As many copies of each service as the candidate has. None where nothing is to be compared."""
    compares = strategy.kind == "canary" and strategy.baseline
    if stable is None or not compares or not shared_services(candidate, stable):
        return None
    digest = sha256(f"{rollout} beside {stable.id}".encode()).hexdigest()
    size = {service.name: service.replicas for service in candidate.services}
    services = tuple(replace(one, replicas=size.get(one.name, one.replicas)) for one in stable.services)
    name = RevisionId(f"rev_{digest[:ID_LENGTH]}")
    return replace(stable, id=name, label=f"{stable.label} (baseline)", services=services)


def with_traffic(state: EnvironmentState, routes: Routes | None) -> dict[str, Revision | None]:
    """What of the old code answers users just now: stable and baseline, where they do."""
    known = {"stable": state.stable, "baseline": state.rollout.baseline if state.rollout else None}
    return {name: one if one and routes and routes.weight(one.id) else None for name, one in known.items()}


def fewest_instances(candidate: Revision, other: Revision | None) -> tuple[int, int]:
    """Of one service that both have, in each of the two: the means of few instances scatter most."""
    names = shared_services(candidate, other) if other else []
    if other is None or not names:
        return (1, 1)
    return _fewest(candidate, names), _fewest(other, names)


def _fewest(revision: Revision, names: list[str]) -> int:
    return max(1, min(revision.service(name).replicas for name in names))


def shared_services(candidate: Revision, stable: Revision) -> list[str]:
    """A service that only one of them has cannot be compared."""
    both = {service.name for service in stable.services}
    return [service.name for service in candidate.services if service.name in both]
