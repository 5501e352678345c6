"""Sources: which commits become releases by themselves, and what several branches make together."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

INTEGRATED = "refs/headgate/integration"  # the branch of a commit that only an integration made

Outcome = Literal["released", "building", "skipped", "unchanged", "failed"]


@dataclass(frozen=True, slots=True)
class Following:
    """What is looked at in a repository, and how often."""

    branches: tuple[str, ...] = ()  # patterns; none: those that environments with on-build take
    tags: tuple[str, ...] = ()  # patterns
    poll: timedelta | None = None  # between two looks; None: 1 s for a folder of this machine, 30 s for a remote one
    releases: Literal["on-commit", "on-announce"] = "on-commit"  # on-announce: another CI says when
    git: Literal["leave", "revert"] = "leave"  # what becomes of the commit of a release that is quarantined
    revert_to: str = "headgate/revert-{commit}"  # the branch that a revert is pushed to


@dataclass(frozen=True, slots=True)
class Integration:
    """A commit of all branches that merge cleanly, in order; the same heads make the same commit."""

    commit: str
    branches: tuple[str, ...]  # that are in it
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)  # branch -> files in conflict


def is_remote(repository: str) -> bool:
    return not repository.startswith("/")


class Commit(Protocol):
    """What a source says of one commit; read-only, so that a frozen dataclass fulfils it."""

    @property
    def sha(self) -> str: ...
    @property
    def branch(self) -> str: ...
    @property
    def author(self) -> str: ...  # "Name <mail>"
    @property
    def subject(self) -> str: ...
    @property
    def version(self) -> str | None: ...  # the tag that names exactly this commit
    @property
    def message(self) -> str: ...  # whole, the subject included
    @property
    def committed_at(self) -> datetime: ...
