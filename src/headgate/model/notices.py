"""Notices: what somebody is told of an event, where the file wants it told, and, as events, what became of it."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

NoticeKind = Literal[  # those before `requested` are what `on: important` means
    "waiting", "rejected", "held", "migration", "alarm", "alarm-ended", "aborted", "rolled-back", "drift",
    "break-glass", "misuse", "frozen", "unfrozen",
    "quarantined", "reverted", "build-failed", "requested", "dropped", "started", "promoted", "test",
]  # fmt: skip
KINDS: tuple[NoticeKind, ...] = tuple(kind for kind in get_args(NoticeKind) if kind != "test")
Severity = Literal["info", "attention", "trouble"]  # attention: someone has to do something
PLACES = ("repository", "project", "url", "url_from")  # settings that say where a target is; the first there is


@dataclass(frozen=True, slots=True)
class Target:
    """Where somebody is told. What it is asked with is in variables of the server, which `settings` name."""

    kind: str  # the adapter's name: "webhook"
    settings: dict[str, str]
    on: tuple[NoticeKind, ...] = KINDS
    to: str = ""  # the one person who reads there; empty: any number
    late: timedelta = timedelta(hours=1)  # older news is left out, and counted
    environment: str = ""  # whose news it gets; empty: everything of the application

    @property
    def id(self) -> str:
        """Of where it is: another choice of kinds goes on where the target was."""
        content = json.dumps([self.kind, self.to, self.environment, sorted(self.settings.items())])
        return f"{self.kind}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"

    @property
    def where(self) -> str:
        """For people; without a query, which may be nobody's business."""
        found = next((self.settings[name] for name in PLACES if name in self.settings), "")
        return found.partition("?")[0].partition("#")[0]


@dataclass(frozen=True, slots=True)
class Notice:
    id: str  # ntc_<20 hex>, derived from the event: telling it twice is telling it under one id
    kind: NoticeKind
    severity: Severity
    at: datetime  # of the event
    application: str
    environment: str  # empty: not of one
    what: str  # happened, in one line
    why: str  # in one sentence
    people: tuple[str, ...] = ()  # who must act; empty: nobody must, or anyone may
    act: str = ""  # what to do, where something is to be done
    standing: bool = False  # true as long as it waits: told however old it is
    rollout: str = ""
    release: str = ""
    label: str = ""
    commit: str = ""
    ref: str = ""  # branch, or refs/tags/NAME
    first: bool = False  # nothing was stable there before
    artifacts: dict[str, str] = field(default_factory=dict)  # service -> image with its digest; empty: runs none
    link: str = ""  # a page for people: how it stands, or where one of them says yes or no
    api: str = ""  # what this server says of the place, for who has its token
    left_out: int = 0  # notices before it that were too old to be told


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice that was not told. The event at that position makes it again, if it is still so."""

    notice: str
    kind: NoticeKind
    at: datetime  # of the event
    position: int
    what: str
    why: str  # it was not told
    rollout: str = ""


# --- events, of stream target:APP/TARGET


@dataclass(frozen=True, slots=True)
class TargetFollowed:
    """From here on it is told. What was before is only history."""

    where: str


@dataclass(frozen=True, slots=True)
class TargetCaughtUp:
    """Nothing up to there is still to be told."""

    upto: int  # position in the log


@dataclass(frozen=True, slots=True)
class NoticeDelivered:
    notice: str
    kind: NoticeKind
    upto: int  # position in the log up to which nothing is still to be told
    rollout: str = ""
    remembered: str = ""  # what the target calls it: its next notices go there
    position: int = 0  # of the event that made it; 0: of a log of before, which is `upto`


@dataclass(frozen=True, slots=True)
class NoticeGivenUp:
    """The target will never take it, it said."""

    notice: str
    kind: NoticeKind
    upto: int
    why: str
    letter: Letter | None = None


@dataclass(frozen=True, slots=True)
class NoticesLeftOut:
    """They were too old when the target could be told again."""

    count: int
    upto: int
    letters: tuple[Letter, ...] = ()  # the newest of them


@dataclass(frozen=True, slots=True)
class LetterSettled:
    """It is not told any more: it is no longer so, or newer was told since."""

    notice: str
    why: str


@dataclass(frozen=True, slots=True)
class TargetFailing:
    """It cannot be told now: on record when that begins, and when the reason is another."""

    why: str
    gone: bool = False  # it said that it is there no more: not tried again until a test reaches it


TargetEvent = (
    TargetFollowed | TargetCaughtUp | NoticeDelivered | NoticeGivenUp | NoticesLeftOut | LetterSettled | TargetFailing
)
