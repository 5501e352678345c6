"""Approvals: people let in exactly what they were shown, withdraw that, or turn a release down."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from headgate.model.actor import Actor
from headgate.model.ids import ReleaseId

Verb = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class Approval:
    release: ReleaseId
    by: str  # the account
    at: datetime
    set: str = ""  # digest of exactly what it is for; empty: of a log of before, and for nothing any more
    proven: bool = False  # by a personal token or a signed link
    why: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """What a signed link says."""

    id: str
    application: str
    environment: str
    release: ReleaseId
    set: str  # digest of exactly what it is about
    person: str
    verbs: tuple[Verb, ...]
    expires_at: datetime


# --- events, of stream environment:APP/ENV


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    release: ReleaseId
    by: str
    why: str
    set: str = ""
    actor: Actor | None = None
    link: str = ""  # id of the signed link, which is used up by it


@dataclass(frozen=True, slots=True)
class ApprovalWithdrawn:
    release: ReleaseId
    by: str
    why: str
    accounts: tuple[str, ...]  # whose approvals end: the same person's, by whatever name
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class ReleaseTurnedDown:
    """Somebody rejected what waits. In the same entry of the log it is dropped; by itself it does not come again."""

    release: ReleaseId
    by: str
    why: str
    actor: Actor | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class LinkRefused:
    """A signed link was used again. Recorded once for each link: whoever has it could fill the log."""

    link: str
    person: str
    verb: Verb
    why: str
    source: str
