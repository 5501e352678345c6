"""Routes: which revision answers which share of an environment's traffic."""

from dataclasses import dataclass, field

from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.rules import Audience


def baseline_weight(candidate: int) -> int:
    """Percent for the baseline beside a candidate that has so much: as much again, as far as there is."""
    return min(candidate, 100 - candidate)


@dataclass(frozen=True, slots=True)
class Backend:
    revision: RevisionId
    weight: int
    endpoints: dict[str, tuple[str, ...]]  # service -> sorted "host:port" of ready instances


@dataclass(frozen=True, slots=True)
class Routes:
    """Weights of the backends sum to 100, or are all 0 before the first release serves.

    The candidate comes first, so that raising its weight only moves visitors onto it. A baseline comes next, then the
    stable: visitors who move between those two meet the same code.
    """

    environment: EnvironmentId
    backends: tuple[Backend, ...]
    preview: RevisionId | None = None  # answers on the preview addresses, and to the audience
    sticky: bool = False
    audience: Audience | None = None

    def weight(self, revision: RevisionId) -> int:
        return next((b.weight for b in self.backends if b.revision == revision), 0)

    def names(self, revision: RevisionId) -> bool:
        return any(backend.revision == revision for backend in self.backends)


@dataclass(frozen=True, slots=True)
class RoutesSeen:
    """What the router itself says it does, read back. `routes` is None before anything was set."""

    routes: Routes | None
    active: dict[RevisionId, int] = field(default_factory=dict)  # requests in flight to each revision


@dataclass(frozen=True, slots=True)
class Address:
    """Where one service of one environment is reached; all on loopback, without a trailing slash."""

    public: str  # for users
    mesh: str  # for other services of the application: keeps a request on its side
    preview: str  # only the candidate answers here
