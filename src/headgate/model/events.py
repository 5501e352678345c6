"""Events: past-tense facts, appended to a stream and never changed. The class name is the event's kind in the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from headgate.model.approvals import ApprovalGiven, ApprovalWithdrawn, LinkRefused, ReleaseTurnedDown
from headgate.model.builds import Build, BuildOutcome, CiStep, Findings, StepOutcome, Tally
from headgate.model.checks import CheckEnded
from headgate.model.freezes import RolloutsFrozen, RolloutsUnfrozen
from headgate.model.glass import GlassBroken
from headgate.model.ids import ReleaseId, RevisionId, RolloutId
from headgate.model.images import Envelope
from headgate.model.infrastructure import ProvisioningEvent
from headgate.model.measurements import Measurement
from headgate.model.monitors import AlarmEnded, AlarmRaised, MonitoringEnded, MonitoringStarted, StableMeasured
from headgate.model.notices import TargetEvent
from headgate.model.people import PersonalTokenMade, PersonalTokenRevoked
from headgate.model.record import OfRecord
from headgate.model.releases import Release, Revision
from headgate.model.reverts import CommitReverted
from headgate.model.rules import AnalysisRules, Application, Deadlines, Strategy
from headgate.model.schema import DataRestored, MigrationEnded, MigrationStarted
from headgate.model.sources import Integration, Outcome
from headgate.model.steps import Step
from headgate.model.verdicts import Verdict

RolloutKind = Literal["deploy", "rollback"]
SignOffVerdict = Literal["accepted", "rejected"]

# --- stream application:APP


@dataclass(frozen=True, slots=True)
class SpecificationApplied:
    application: Application
    by: str


@dataclass(frozen=True, slots=True)
class ReleaseAnnounced:
    """The application knows of a release; its content is in the release's own stream."""

    release: ReleaseId
    label: str
    branch: str  # refs/tags/NAME: it was made for a tag, and no environment takes it by itself
    only: str = ""  # the one environment that may have it: an integration of branches


@dataclass(frozen=True, slots=True)
class ReleaseVersioned:
    """A tag was put on the commit after its release was made."""

    release: ReleaseId
    version: str


@dataclass(frozen=True, slots=True)
class SourceFollowed:
    """From here on, commits of these branches and tags become releases. What was there before is only noted."""

    source: str
    follows: tuple[str, ...]  # patterns of full names: refs/heads/main, refs/tags/v*
    heads: dict[str, str]  # full name -> commit


@dataclass(frozen=True, slots=True)
class CommitSeen:
    """A branch or tag moved; what became of its commit."""

    ref: str
    commit: str
    outcome: Outcome
    why: str
    release: ReleaseId | None = None


@dataclass(frozen=True, slots=True)
class BranchesIntegrated:
    """Branches of an environment moved; what they make together now."""

    environment: str
    heads: dict[str, str]  # branch -> commit
    outcome: Outcome
    why: str
    integration: Integration | None = None
    release: ReleaseId | None = None


@dataclass(frozen=True, slots=True)
class ReleaseQuarantined:
    release: ReleaseId
    environment: str
    why: str


@dataclass(frozen=True, slots=True)
class QuarantineLifted:
    release: ReleaseId
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class ReleaseRefused:
    """It would have come here by itself and may not: what it is made of, or its provenance, does not verify."""

    release: ReleaseId
    environment: str
    why: str


@dataclass(frozen=True, slots=True)
class ImagesPruned:
    """Images that nothing needed were deleted from the registry."""

    images: tuple[str, ...]  # SERVICE@sha256:...
    keep: int  # releases whose images stayed, the newest
    by: str


# --- stream release:ID


@dataclass(frozen=True, slots=True)
class ReleaseCreated:
    release: Release
    by: str


@dataclass(frozen=True, slots=True)
class ProvenanceSigned:
    """How the release's images were made, signed when they were; in the same entry of the log as ReleaseCreated."""

    release: ReleaseId
    envelope: Envelope


# --- stream build:ID


@dataclass(frozen=True, slots=True)
class BuildRequested:
    """The steps are bound here: what is applied later does not change a build in flight."""

    build: Build
    steps: tuple[CiStep, ...]
    source: str  # the git repository
    file: str  # path of headgate.yaml below it
    by: str


@dataclass(frozen=True, slots=True)
class CiStepStarted:
    step: str
    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class CiStepEnded:
    step: str
    attempt: int
    outcome: StepOutcome
    seconds: float
    tests: Tally | None
    findings: Findings | None
    why: str


@dataclass(frozen=True, slots=True)
class ImageProvided:
    """One image of what the build becomes is in the registry."""

    service: str
    reference: str  # with its digest
    seconds: float
    made: bool  # False: equal content had been made before, or someone else's image was named
    built_from: str = ""  # the commit whose content it is; empty for someone else's image


@dataclass(frozen=True, slots=True)
class BuildCancelled:
    """The decision. What runs is ended; the build ends when nothing of it runs any more."""

    by: str
    why: str


@dataclass(frozen=True, slots=True)
class BuildEnded:
    outcome: BuildOutcome
    why: str
    release: ReleaseId | None = None  # what it became, where it passed


# --- stream environment:APP/ENV


@dataclass(frozen=True, slots=True)
class ReleaseRequested:
    """A release is wanted here. It waits for its turn, its gates and its predecessor."""

    revision: Revision
    rollout: RolloutId
    kind: RolloutKind
    by: str
    why: str
    hotfix: bool = False  # goes first, whatever else waits or is in flight
    break_glass: bool = False  # passes closed gates, while the rules name who asked


@dataclass(frozen=True, slots=True)
class ReleaseSuperseded:
    """A waiting release gave way to a newer one."""

    release: ReleaseId
    by_release: ReleaseId
    why: str


@dataclass(frozen=True, slots=True)
class ReleaseDropped:
    """A waiting release will not start: quarantined meanwhile, or a gate's deadline passed."""

    release: ReleaseId
    why: str


@dataclass(frozen=True, slots=True)
class ReleasePinned:
    """Nothing comes here by itself until someone unpins, or deploys again."""

    release: ReleaseId
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class ReleaseUnpinned:
    release: ReleaseId
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class ReleaseSignedOff:
    """What someone who tried a release here found of it. The latest verdict counts."""

    release: ReleaseId
    by: str
    verdict: SignOffVerdict
    note: str


@dataclass(frozen=True, slots=True)
class RolloutStarted:
    """The rules are bound here: what is applied later does not change a rollout in flight."""

    rollout: RolloutId
    kind: RolloutKind
    revision: Revision
    replaces: RevisionId | None
    steps: tuple[Step, ...]
    strategy: Strategy
    analysis: AnalysisRules
    deadlines: Deadlines
    by: str
    why: str
    baseline: Revision | None = None  # fresh copies of the stable, which the candidate is compared with
    gates: tuple[str, ...] = ()  # of the rules, each with why it was open


@dataclass(frozen=True, slots=True)
class BaselineDropped:
    """The baseline cannot serve. The rollout goes on: from here the candidate is compared with the stable itself."""

    rollout: RolloutId
    why: str


@dataclass(frozen=True, slots=True)
class StepCompleted:
    rollout: RolloutId
    index: int
    why: str


@dataclass(frozen=True, slots=True)
class StepsSkipped:
    """Someone promoted by hand: the steps before `to` are not walked."""

    rollout: RolloutId
    to: int
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class MeasurementTaken:
    rollout: RolloutId
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class VerdictReached:
    rollout: RolloutId
    index: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RolloutPaused:
    rollout: RolloutId
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class RolloutResumed:
    rollout: RolloutId
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class RevisionPromoted:
    """The candidate became stable. What it replaced stays warm until `warm_until`."""

    rollout: RolloutId
    revision: RevisionId
    warm_until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class RolloutAborted:
    """The decision. All traffic goes back to stable; the rollout ends when the router says so."""

    rollout: RolloutId
    by: str
    why: str
    gave_way_to: ReleaseId | None = None  # another goes first: that says nothing against this release
    blameless: bool = False  # nothing of the world could be seen: that neither


@dataclass(frozen=True, slots=True)
class RolloutEnded:
    rollout: RolloutId
    outcome: Literal["promoted", "aborted"]
    why: str


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """A request to the world did not take hold. In streams of builds too."""

    effect: str  # in words: "run rev_1", "set routes"
    why: str
    attempt: int  # counts on while the same effect goes on failing
    hopeless: bool = False  # what is asked for is wrong itself: asking again changes nothing
    away: bool = False  # nobody answered: that says nothing against what was asked for


Event = (
    # of applications
    SpecificationApplied | ReleaseAnnounced | ReleaseVersioned | SourceFollowed | CommitSeen | BranchesIntegrated
    | ReleaseQuarantined | QuarantineLifted | CommitReverted | ReleaseRefused | ImagesPruned
    # of releases and builds
    | ReleaseCreated | ProvenanceSigned
    | BuildRequested | CiStepStarted | CiStepEnded | ImageProvided | BuildCancelled | BuildEnded
    # of environments
    | ReleaseRequested | ReleaseSuperseded | ReleaseDropped | ReleasePinned | ReleaseUnpinned
    | ApprovalGiven | ApprovalWithdrawn | ReleaseTurnedDown | LinkRefused
    | ReleaseSignedOff
    | RolloutsFrozen | RolloutsUnfrozen | GlassBroken | MigrationStarted | MigrationEnded | DataRestored
    | RolloutStarted | BaselineDropped | CheckEnded | StepCompleted | StepsSkipped | MeasurementTaken | VerdictReached
    | RolloutPaused | RolloutResumed | RevisionPromoted | RolloutAborted | RolloutEnded
    | MonitoringStarted | StableMeasured | AlarmRaised | AlarmEnded | MonitoringEnded
    | EffectFailed | ProvisioningEvent
    # of the server
    | PersonalTokenMade | PersonalTokenRevoked | TargetEvent | OfRecord
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the log keeps it."""

    stream: str
    version: int  # 1, 2, 3, ... within the stream
    position: int  # rising over the whole log, gaps allowed
    at: datetime
    event: Event
