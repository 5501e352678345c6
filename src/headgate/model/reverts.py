"""Reverts: a commit that undoes a quarantined release where it came from, so that its branch does not bring it back."""

from dataclasses import dataclass
from typing import Literal

from headgate.model.ids import ReleaseId


@dataclass(frozen=True, slots=True)
class Undoing:
    """What is asked of a source: all that came between two commits is undone on top of a branch."""

    head: str  # of the branch, now
    bad: str  # commit of the release
    good: str  # commit of what was gone back to
    onto: str  # the branch that the revert is pushed to: a new one, or the one that `head` is of
    message: str


@dataclass(frozen=True, slots=True)
class Undone:
    """`conflict`: what came later rests on it. `nothing`: there is nothing to undo. Neither has pushed anything."""

    outcome: Literal["pushed", "conflict", "nothing"]
    why: str
    commit: str = ""  # of the revert


# --- an event, of stream application:APP


@dataclass(frozen=True, slots=True)
class CommitReverted:
    """What became of it; it is done once for each quarantine."""

    release: ReleaseId
    onto: str
    outcome: Literal["pushed", "conflict", "nothing", "failed"]
    why: str
    commit: str = ""
