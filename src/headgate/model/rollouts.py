"""The state of one environment, as folded from its events."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from headgate.model.approvals import Approval
from headgate.model.checks import CheckResult
from headgate.model.events import RolloutKind, SignOffVerdict
from headgate.model.freezes import Freeze
from headgate.model.glass import Glass
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId, RolloutId
from headgate.model.infrastructure import InfrastructurePlan, InfrastructurePlanned
from headgate.model.migrations import Migration
from headgate.model.monitors import Alarm, Monitoring
from headgate.model.releases import Revision
from headgate.model.rules import AnalysisRules, Deadlines, Strategy
from headgate.model.steps import Step
from headgate.model.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Rollout:
    id: RolloutId
    kind: RolloutKind
    revision: Revision
    replaces: RevisionId | None
    steps: tuple[Step, ...]
    strategy: Strategy
    analysis: AnalysisRules
    deadlines: Deadlines
    by: str
    started_at: datetime
    step_started_at: datetime  # moved on by pauses, so that a pause uses up no deadline
    baseline: Revision | None = None  # fresh copies of the stable, which the candidate is compared with
    instances: tuple[int, int] = (1, 1)  # fewest copies of one service: of the candidate, of what it is compared with
    hotfix: bool = False  # only another hotfix goes before it
    glass: Glass | None = None  # it passed closed gates
    gave_way: bool = False  # to another, which says nothing against it
    position: int = 0
    attempt: int = 1  # at the check of this step
    ended: CheckResult | None = None  # the latest attempt in this step that has ended
    phase: Literal["running", "paused", "aborting", "retiring"] = "running"
    paused_at: datetime | None = None
    why: str = ""  # of the latest decision
    ticks: int = 0
    last_tick_at: datetime | None = None
    counts: object = None  # of the file's metrics, in this step: see headgate.analysis.conditions
    evidence: object = None  # what the judge knows of this rollout: its own, see headgate.analysis.evidence
    verdict: Verdict | None = None  # the latest on record in this step

    @property
    def step(self) -> Step:
        return self.steps[self.position]


@dataclass(frozen=True, slots=True)
class MigrationRun:
    """The latest of one migration here."""

    service: str
    migration: Migration
    attempt: int
    revision: Revision
    rollout: RolloutId | None
    started_at: datetime
    state: Literal["running", "passed", "failed", "undone"] = "running"  # undone: data were restored to before it
    why: str = ""
    ended_at: datetime | None = None
    lost: bool = False  # failed, but nobody knows at what


@dataclass(frozen=True, slots=True)
class ProvisioningRun:
    """The latest apply of infrastructure."""

    plan: InfrastructurePlan
    by: str
    why: str
    rollout: RolloutId | None  # that waits for it
    started_at: datetime
    state: Literal["running", "passed", "failed"] = "running"
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A release that waits for its turn here."""

    revision: Revision
    rollout: RolloutId
    kind: RolloutKind
    by: str
    why: str
    at: datetime
    hotfix: bool = False
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Pin:
    """A release that nothing replaces by itself."""

    release: ReleaseId
    by: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SignOff:
    by: str
    verdict: SignOffVerdict
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    effect: str
    why: str
    attempt: int
    at: datetime
    hopeless: bool = False
    away: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """A rollout that ended."""

    rollout: RolloutId
    kind: RolloutKind
    revision: Revision
    outcome: Literal["promoted", "aborted"]
    started_at: datetime
    ended_at: datetime
    why: str
    glass: Glass | None = None
    gave_way: bool = False  # to another, which says nothing against it
    by: str = ""  # asked for it


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    id: EnvironmentId
    version: int = 0  # of the stream, for the next append
    stable: Revision | None = None
    stable_since: datetime | None = None
    previous: Revision | None = None  # was stable before; warm until:
    warm_until: datetime | None = None
    strategy: Strategy = Strategy("all-at-once")  # of the latest rollout: its stickiness outlives it
    rollout: Rollout | None = None
    waiting: Request | None = None
    approvals: tuple[Approval, ...] = ()
    links: frozenset[str] = frozenset()  # signed ones that were used up
    replayed: frozenset[str] = frozenset()  # that were used again, and refused
    failures: tuple[Failure, ...] = ()  # since the last thing that went well, newest last
    draining_since: datetime | None = None
    past: tuple[Past, ...] = ()  # oldest first
    promoted: dict[ReleaseId, datetime] = field(default_factory=dict)  # release -> when it last became stable here
    soaked: dict[ReleaseId, timedelta] = field(default_factory=dict)  # how long it was stable, before it no longer was
    requested: frozenset[ReleaseId] = frozenset()  # ever asked for here
    checks: dict[ReleaseId, tuple[CheckResult, ...]] = field(default_factory=dict)  # every attempt, oldest first
    pin: Pin | None = None
    freeze: Freeze | None = None  # the latest, which may have ended by itself
    signed_off: dict[ReleaseId, SignOff] = field(default_factory=dict)  # the latest verdict on each
    migrations: tuple[MigrationRun, ...] = ()  # the latest of each, in the order they first ran
    planned: InfrastructurePlanned | None = None  # for the latest request whose plan could be told
    provisioning: ProvisioningRun | None = None
    monitoring: Monitoring | None = None  # of the stable, since its promotion
    alarm: Alarm | None = None  # that stands, or stood when monitoring ended
    records: dict[RevisionId, object] = field(default_factory=dict)  # of stable and previous: headgate.analysis.record
    refused: dict[ReleaseId, tuple[datetime, str]] = field(default_factory=dict)  # aborted or rolled back: when, why
    refused_configurations: dict[str, tuple[datetime, str]] = field(default_factory=dict)  # digest -> likewise
