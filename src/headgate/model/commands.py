"""A command: what someone asks. It may be refused; once accepted it is recorded as an event."""

from dataclasses import dataclass
from datetime import datetime

from headgate.model.actor import Actor
from headgate.model.events import SignOffVerdict
from headgate.model.ids import ReleaseId, RolloutId
from headgate.model.infrastructure import InfrastructurePlan
from headgate.model.releases import Revision


@dataclass(frozen=True, slots=True)
class Deploy:
    revision: Revision
    rollout: RolloutId  # id for the rollout, should one start
    by: str
    why: str = ""
    hotfix: bool = False  # goes first; its gates hold all the same
    pin: bool = False  # nothing replaces it by itself
    automatic: bool = False  # asked for by the pipeline, not by a person
    break_glass: bool = False  # passes closed gates, where the rules let this person


@dataclass(frozen=True, slots=True)
class Pause:
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Promote:
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Abort:
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rollback:
    rollout: RolloutId
    by: str
    to: str | None = None  # release id, version or commit; None: the revision that was stable before
    why: str = ""


@dataclass(frozen=True, slots=True)
class Approve:
    release: ReleaseId
    by: str
    why: str = ""
    set: str = ""  # digest of what was looked at; empty: what would happen now
    actor: Actor | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """One's own approval."""

    release: ReleaseId
    by: str
    why: str = ""
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    release: ReleaseId
    by: str
    why: str
    actor: Actor | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Pin:
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unpin:
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Freeze:
    by: str
    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unfreeze:
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Migrate:
    """Run the contract migration that is due, or say that data were restored from a backup."""

    by: str
    why: str = ""
    restored: tuple[str, int] | None = None  # service, and the level that its data have again


@dataclass(frozen=True, slots=True)
class Provision:
    """Apply that plan of infrastructure, which its author was shown."""

    plan: InfrastructurePlan
    by: str
    why: str = ""
    rollout: RolloutId | None = None  # that would bring it, where gates hold


@dataclass(frozen=True, slots=True)
class SignOff:
    by: str
    verdict: SignOffVerdict
    note: str = ""
    release: ReleaseId | None = None  # None: the one that is stable here


Command = (
    Deploy | Pause | Resume | Promote | Abort | Rollback | Approve | Withdraw | Reject | Pin | Unpin | SignOff
    | Freeze | Unfreeze | Migrate | Provision
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a command cannot be carried out, and what to do instead."""

    why: str
