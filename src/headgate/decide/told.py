"""What a notice is made of: what is known around an event, and what is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.model.builds import Build
from headgate.model.ids import ReleaseId
from headgate.model.notices import NoticeKind, Severity
from headgate.model.releases import Release, Revision
from headgate.model.rollouts import EnvironmentState, SignOff
from headgate.model.rules import Environment


@dataclass(frozen=True, slots=True)
class Around:
    """What is known now of the place where the event happened; it may have gone on since."""

    application: str
    environment: str = ""
    state: EnvironmentState | None = None
    rules: Environment | None = None
    signed_off: Mapping[str, Mapping[ReleaseId, SignOff]] = field(default_factory=dict)
    releases: Mapping[ReleaseId, Release] = field(default_factory=dict)
    build: Build | None = None


@dataclass(frozen=True, slots=True)
class Told:
    kind: NoticeKind
    severity: Severity
    what: str
    why: str = ""
    people: tuple[str, ...] = ()
    act: str = ""
    standing: bool = False
    environment: str | None = None  # None: where the event happened
    rollout: str = ""
    release: str = ""
    revision: Revision | None = None
    first: bool = False
