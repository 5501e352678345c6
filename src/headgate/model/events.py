"""Events: past-tense facts, appended to a stream and never changed. The class name is the event's kind in the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from headgate.model.ids import ReleaseId, RevisionId, RolloutId
from headgate.model.images import Envelope
from headgate.model.measurements import Measurement
from headgate.model.releases import Release, Revision
from headgate.model.rules import AnalysisRules, Application, Deadlines, Strategy
from headgate.model.steps import Step
from headgate.model.verdicts import Verdict

RolloutKind = Literal["deploy", "rollback"]

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
    branch: str


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


# --- stream environment:APP/ENV


@dataclass(frozen=True, slots=True)
class ReleaseRequested:
    """A release is wanted here. It waits for its turn, its gates and its predecessor."""

    revision: Revision
    rollout: RolloutId
    kind: RolloutKind
    by: str
    why: str


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
class ApprovalGiven:
    release: ReleaseId
    by: str
    why: str


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


@dataclass(frozen=True, slots=True)
class RolloutEnded:
    rollout: RolloutId
    outcome: Literal["promoted", "aborted"]
    why: str


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """A request to the world did not take hold."""

    effect: str  # in words: "run rev_1", "set routes"
    why: str
    attempt: int  # counts on while the same effect goes on failing


Event = (
    SpecificationApplied
    | ReleaseAnnounced
    | ReleaseQuarantined
    | QuarantineLifted
    | ImagesPruned
    | ReleaseCreated
    | ProvenanceSigned
    | ReleaseRequested
    | ReleaseSuperseded
    | ReleaseDropped
    | ApprovalGiven
    | RolloutStarted
    | BaselineDropped
    | StepCompleted
    | StepsSkipped
    | MeasurementTaken
    | VerdictReached
    | RolloutPaused
    | RolloutResumed
    | RevisionPromoted
    | RolloutAborted
    | RolloutEnded
    | EffectFailed
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the log keeps it."""

    stream: str
    version: int  # 1, 2, 3, ... within the stream
    position: int  # rising over the whole log, gaps allowed
    at: datetime
    event: Event
