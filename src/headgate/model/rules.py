"""The rules that judge a release in one environment: strategy, analysis, gates, deadlines.

They come from `headgate apply` alone, never from the commit under release.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from headgate.model.builds import CiStep
from headgate.model.checks import Check
from headgate.model.clusters import ClusterRules
from headgate.model.entrances import Entrance
from headgate.model.freezes import CronFreeze, DatesFreeze
from headgate.model.images import RegistryRules
from headgate.model.infrastructure import Infrastructure
from headgate.model.manifests import Manifests
from headgate.model.metrics import MetricRule
from headgate.model.monitors import MonitorRules
from headgate.model.notices import Target
from headgate.model.parity import Parity, ParityGate
from headgate.model.people import Person
from headgate.model.secrets import EVERY, SecretRules
from headgate.model.services import Value
from headgate.model.sources import Following


@dataclass(frozen=True, slots=True)
class Audience:
    """Visitors who get the candidate whatever the weight: every header named must match exactly."""

    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Strategy:
    kind: Literal["canary", "blue-green", "all-at-once"]
    weights: tuple[int, ...] = ()  # canary only: rising, 1-99
    sticky: bool = False
    audience: Audience | None = None
    baseline: bool = False  # canary only: fresh copies of the stable beside the candidate, to compare it with


@dataclass(frozen=True, slots=True)
class Tolerance:
    """`harm` is what a candidate may be worse by without being put back; `accept` is what promotion rules out."""

    harm: float
    accept: float


Signal = Literal["errors", "latency", "p99"]


@dataclass(frozen=True, slots=True)
class AnalysisRules:
    errors: Tolerance = Tolerance(0.0005, 0.0025)  # shares of requests, absolute (0.0025 = 0.25 percentage points)
    latency: Tolerance = Tolerance(0.04, 0.12)  # of the whole distribution, relative
    p99: Tolerance = Tolerance(0.04, 0.12)  # of the slowest hundredth and beyond, relative
    signals: tuple[Signal, ...] = ("errors", "latency", "p99")  # what is compared; an outage always is
    false_rollback_rate: float = 0.01  # share of good releases that may be put back, however often one looks
    blip: timedelta = timedelta(seconds=20)  # trouble of the candidate, once, that does not put it back
    unproven: Literal["hold", "promote", "rollback"] = "hold"  # what becomes of a step at its deadline
    instance_spread: float = 0.0  # relative standard deviation of latency between instances of the stable
    minimum_requests: int = 50  # of the candidate in each step, before it may pass
    interval: timedelta = timedelta(seconds=1)  # one measurement each
    at_least: timedelta = timedelta(seconds=60)  # how long each analyze step looks before it may pass
    deadline: timedelta = timedelta(minutes=30)
    metrics: tuple[MetricRule, ...] = ()  # thresholds and queries of the file, beside all of the above


@dataclass(frozen=True, slots=True)
class ApprovalGate:
    approvers: tuple[str, ...]  # people, groups already resolved; empty: anyone
    count: int = 1
    author_may_approve: bool = False
    deadline: timedelta = timedelta(days=7)
    authenticated: bool = False  # only approvals by a personal token or a signed link count
    evidence: str = ""  # what a word of the reason has to look like: CHG-*; empty: none is asked for


@dataclass(frozen=True, slots=True)
class SoakGate:
    """The release must have been stable in the environment before this one for so long."""

    duration: timedelta
    deadline: timedelta = timedelta(days=7)  # beyond the duration; one that is stable there no more would wait for ever


@dataclass(frozen=True, slots=True)
class SignOffGate:
    """Someone must have accepted the release in that environment."""

    environment: str
    deadline: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FreezeGate:
    """No rollout starts between two moments of the week, by the clock on the wall in that zone."""

    start: timedelta  # from Monday 00:00
    end: timedelta  # before the start: it goes on into the next week
    zone: str  # IANA's name


@dataclass(frozen=True, slots=True)
class WebhookGate:
    """Another system must say that it is open, to the very start that is asked about, and lately."""

    url: str
    timeout: timedelta = timedelta(seconds=10)
    every: timedelta = timedelta(seconds=30)  # asked again, while the release waits
    secret_from: str | None = None  # variable of the server with the key that the question is signed with
    deadline: timedelta = timedelta(days=7)

    @property
    def where(self) -> str:
        """Without the query, which may hold what is nobody's business."""
        return self.url.partition("?")[0].partition("#")[0]


Frozen = FreezeGate | DatesFreeze | CronFreeze
Gate = ApprovalGate | SoakGate | SignOffGate | Frozen | WebhookGate | ParityGate

# When contract migrations run: as soon as nothing needs what they take away, or then when a person asks.
Contract = Literal["by-itself", "on-request"]

# What becomes of a release in flight when another is asked for: that one waits; goes first; is not even taken.
Concurrency = Literal["queue", "replace", "finish"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    ready: timedelta = timedelta(minutes=2)
    weight: timedelta = timedelta(seconds=30)
    retire: timedelta = timedelta(minutes=2)
    drain: timedelta = timedelta(seconds=30)
    pause: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ContainerHost:
    """One of the machines that an environment's containers are spread over."""

    engine: str  # "ssh://deploy@10.0.0.5", or "unix:///var/run/docker.sock" of the server's own machine
    address: str  # of it, where the server reaches what it publishes: "10.0.0.5"


@dataclass(frozen=True, slots=True)
class Environment:
    name: str
    platform: str
    hosts: tuple[ContainerHost, ...] = ()  # empty: the platform is on the server's own machine, or has its own
    server: str = ""  # address of the server's machine, at which containers on other hosts reach its router
    cluster: ClusterRules = ClusterRules()  # of platforms that are clusters
    manifests: Manifests | None = None  # None: the platform writes what it runs
    traffic: str = "envoy"
    entrance: Entrance | None = None  # where users come in, where the router needs to be told
    metrics: str = "envoy"
    metric_settings: dict[str, str] = field(default_factory=dict)  # go to the source with every query
    deploy: Literal["on-build", "on-request", "on-advance"] = "on-request"
    after: str | None = None
    concurrency: Concurrency = "queue"
    branches: tuple[str, ...] = ("main",)
    integrate: bool = False  # takes one commit of all its branches together, and nothing goes on from here
    strategy: Strategy = Strategy("all-at-once")
    checks: tuple[Check, ...] = ()
    gates: tuple[Gate, ...] = ()
    break_glass: tuple[str, ...] = ()  # people, groups already resolved, who may pass closed gates; empty: nobody
    analysis: AnalysisRules = AnalysisRules()
    bake: timedelta = timedelta(0)
    contract: Contract = "by-itself"
    keep_warm: timedelta = timedelta(minutes=30)  # the old stable stays up so long after a promotion
    monitor: MonitorRules | None = None  # after a promotion; None: nothing is watched then
    listen: dict[str, int] = field(default_factory=dict)  # service -> port on loopback; others are allocated
    replicas: dict[str, int] = field(default_factory=dict)
    env: dict[str, Value] = field(default_factory=dict)
    service_env: dict[str, dict[str, Value]] = field(default_factory=dict)  # service -> what wins over `env` for it
    secrets: dict[str, SecretRules] = field(default_factory=dict)  # name of a store -> which it is, and where
    secrets_every: timedelta = EVERY  # between two looks whether one was rotated
    infrastructure: Infrastructure | None = None  # what it stands on; None: Headgate makes none here
    parity: dict[str, Parity] = field(default_factory=dict)  # other environment -> how it may differ
    deadlines: Deadlines = Deadlines()
    people: tuple[Person, ...] = ()  # of the whole file: which accounts are one person
    notifications: tuple[Target, ...] = ()  # told of what happens here


@dataclass(frozen=True, slots=True)
class Application:
    """What one applied `headgate.yaml` says, less the service definitions: those travel in the release."""

    name: str
    source: str  # the git repository that releases come from
    file: str  # path of headgate.yaml below the source
    environments: tuple[Environment, ...]
    following: Following = Following()
    ci: tuple[CiStep, ...] = ()  # what a commit must pass before it becomes a release
    registry: RegistryRules | None = None  # where images are kept; None: nothing here runs images
    notifications: tuple[Target, ...] = ()  # told of everything

    def environment(self, name: str) -> Environment | None:
        return next((one for one in self.environments if one.name == name), None)

    @property
    def targets(self) -> dict[str, Target]:
        """By id, each once."""
        every = [*self.notifications, *(one for environment in self.environments for one in environment.notifications)]
        return {one.id: one for one in every}
