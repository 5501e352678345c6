"""Governance on record: what was asked of the server, by whom, from where, and what became of it. All are events."""

from dataclasses import dataclass
from typing import Literal

from headgate.model.actor import Authentication

Outcome = Literal["accepted", "refused", "failed"]  # failed: a defect, or something that the server needs is away


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


OfRecord = CommandAnswered | SpecificationChanged
