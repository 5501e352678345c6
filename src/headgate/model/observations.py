"""What was seen of the world in one look. What could not be seen is None, with the reason beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from headgate.model.checks import JobSeen
from headgate.model.clusters import Drift
from headgate.model.freezes import Freeze
from headgate.model.ids import ReleaseId, RevisionId, RolloutId
from headgate.model.infrastructure import PlanSeen, ProvisioningSeen, Resource
from headgate.model.measurements import Measurement
from headgate.model.releases import Revision
from headgate.model.rollouts import SignOff
from headgate.model.routes import Address, RoutesSeen
from headgate.model.rules import Environment, WebhookGate


@dataclass(frozen=True, slots=True)
class Instance:
    """One running copy of one service of one revision."""

    id: str
    revision: RevisionId
    service: str
    address: str  # "host:port"
    state: Literal["starting", "ready", "unready", "exited", "stopping"]
    restarts: int = 0  # consecutive deaths of this slot, forgotten after it was ready for a while
    detail: str = ""  # why it is not ready, in words for a person: exit code, last log lines, refused connection
    retry_at: datetime | None = None  # exited: not started again before this moment


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """What another system said to the question whether a start may be."""

    open: bool | None  # None: it is not known
    why: str
    at: datetime  # when it was asked


@dataclass(frozen=True, slots=True)
class Place:
    """One environment, as far as another is compared with it."""

    rules: Environment
    revision: Revision | None  # None: nothing is stable there
    version: str | None = ""  # of its platform; empty: it has none to tell; None: it is not known
    resources: tuple[Resource, ...] | None = ()  # of its infrastructure, where that is asked for; None: not known


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at one environment."""

    rules: Environment | None  # None: the environment is no longer in the applied specification
    instances: tuple[Instance, ...] | None
    routes: RoutesSeen | None
    addresses: dict[str, Address] = field(default_factory=dict)
    jobs: tuple[JobSeen, ...] = ()
    measurement: Measurement | None = None  # a new tick, where one was due
    watched: Measurement | None = None  # of the stable after its promotion, since its last tick
    unknown: tuple[str, ...] = ()  # one sentence for each thing that could not be seen
    drift: tuple[Drift, ...] = ()  # what others changed of what was made
    quarantined: dict[ReleaseId, str] = field(default_factory=dict)  # release -> why
    passed: dict[ReleaseId, datetime] = field(default_factory=dict)  # stable in the environment before this one, since
    # By the name of each environment that a release passes before this one, or that a gate here names.
    signed_off: dict[str, Mapping[ReleaseId, SignOff]] = field(default_factory=dict)
    beside: dict[str, Place] = field(default_factory=dict)  # what gates here compare it with, by environment
    version: str | None = ""  # of the platform, where a gate compares it: see Place
    planned: PlanSeen | None = None  # of infrastructure, for the start that waits
    provisioning: ProvisioningSeen | None = None  # what has become of an apply
    frozen: Freeze | None = None  # the latest of the whole server
    # The latest of each gate, by the very start that was asked about: a yes is for that one alone.
    answers: dict[tuple[WebhookGate, RolloutId], GateAnswer] = field(default_factory=dict)
