"""Governance on record: what was asked of the server, by whom, from where, and what became of it. All are events."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from headgate.model.actor import Authentication

Outcome = Literal["accepted", "refused", "failed"]  # failed: a defect, or something that the server needs is away
LEAST_KEPT = timedelta(days=365)  # of the log: no policy lets go of younger rows


@dataclass(frozen=True, slots=True)
class CommandAnswered:
    """Of stream commands:YYYY-MM, when its answer goes out; what an accepted one decided is in other streams."""

    verb: str  # "deploy", "apply", "token person"
    target: str  # "pcw/production", "pcw"; empty: the server
    by: str
    authenticated: Authentication
    source: str
    why: str
    arguments: dict[str, str]  # without secrets, shortened
    outcome: Outcome
    answer: str = ""  # the refusal, in its words
    unrecorded: int = 0  # refusals before this one that were more than the record takes in an hour


@dataclass(frozen=True, slots=True)
class SpecificationChanged:
    """Of stream application:APP, in the same entry as SpecificationApplied: what it changed, and who applied it."""

    by: str
    authenticated: Authentication
    source: str
    digest: str  # sha256 of the file's text
    before: str  # of the file that counted before; empty: none, or of a Headgate that kept none
    changes: tuple[str, ...]  # a sentence each
    more: int = 0  # changes that are not told


@dataclass(frozen=True, slots=True)
class Gap:
    """Rows that left, one behind the other. The chain goes over them, from the hash before to that of the last."""

    first: int  # positions
    last: int
    before: str
    hash: str


@dataclass(frozen=True, slots=True)
class RowsPruned:
    """Of stream audit: whole streams that left by policy. A row of the chain itself, it vouches for those it names."""

    by: str
    why: str
    keep: timedelta
    streams: int
    rows: int
    gaps: tuple[Gap, ...]
    archive: str  # name of the file that they were exported to before
    sha256: str  # of that file


OfRecord = CommandAnswered | SpecificationChanged | RowsPruned
