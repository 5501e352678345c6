"""A target that is told: how far it is, as folded from its own stream, and when it is tried again."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headgate.model import events as e
from headgate.model import notices as n

FIRST, LONGEST = timedelta(seconds=1), timedelta(minutes=5)  # between two tries, while it fails
RECENT = 20  # notices whose ids are known: an event gives two at most
ROLLOUTS = 50  # whose name at the target is remembered, and how far they were told
LETTERS = 50  # that were not told and are kept, to be told again by hand; older ones are only counted


@dataclass(frozen=True, slots=True)
class TargetState:
    version: int = 0  # of the stream
    upto: int | None = None  # position in the log up to which nothing is still to be told; None: not followed yet
    delivered: int = 0
    given_up: int = 0
    left_out: int = 0
    unsaid: int = 0  # of those left out, how many the target has not been told of
    last: n.NoticeDelivered | None = None
    last_at: datetime | None = None
    failing: str = ""  # why it cannot be told now
    failing_since: datetime | None = None
    failing_told_at: datetime | None = None
    gone: bool = False
    trouble: str = ""  # why the latest that was given up was
    recent: tuple[str, ...] = ()
    remembered: dict[str, str] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)  # rollout -> position of its latest that was told
    dead: tuple[n.Letter, ...] = ()  # oldest first


def fold(state: TargetState, recorded: Iterable[e.Recorded]) -> TargetState:
    for one in recorded:
        state = replace(_apply(state, one), version=one.version)
    return state


def _apply(state: TargetState, one: e.Recorded) -> TargetState:
    match one.event:
        case n.TargetFollowed():
            return replace(state, upto=one.position)
        case n.TargetCaughtUp(upto=upto):
            return replace(state, upto=upto)
        case n.NoticeDelivered():
            return _delivered(state, one.event, one.at)
        case n.NoticeGivenUp(notice=notice, upto=upto, why=why, letter=letter):
            recent, lost = (*state.recent, notice)[-RECENT:], state.given_up + 1
            dead = _kept(state, (letter,) if letter else ())
            return replace(_well(state), upto=upto, given_up=lost, recent=recent, trouble=why, dead=dead)
        case n.NoticesLeftOut(count=count, upto=upto, letters=letters):
            left, unsaid = state.left_out + count, state.unsaid + count
            return replace(state, upto=upto, left_out=left, unsaid=unsaid, dead=_kept(state, letters))
        case n.LetterSettled(notice=notice):
            return replace(state, dead=_without(state, notice))
        case n.TargetFailing(why=why, gone=gone):
            since = state.failing_since or one.at
            return replace(state, failing=why, failing_since=since, failing_told_at=one.at, gone=gone)
    return state


def _delivered(state: TargetState, event: n.NoticeDelivered, at: datetime) -> TargetState:
    known, reached = state.remembered, state.reached
    if event.rollout and event.remembered:
        known = dict([*known.items(), (event.rollout, event.remembered)][-ROLLOUTS:])
    if event.rollout:
        far = max(event.position or event.upto, reached.get(event.rollout, 0))
        reached = dict([*reached.items(), (event.rollout, far)][-ROLLOUTS:])
    return replace(
        _well(state),
        upto=event.upto,
        delivered=state.delivered + 1,
        unsaid=0,
        last=event,
        last_at=at,
        trouble="",
        recent=(*state.recent, event.notice)[-RECENT:],
        remembered=known,
        reached=reached,
        dead=_without(state, event.notice),
    )


def _kept(state: TargetState, letters: tuple[n.Letter, ...]) -> tuple[n.Letter, ...]:
    return (*state.dead, *letters)[-LETTERS:]


def _without(state: TargetState, notice: str) -> tuple[n.Letter, ...]:
    return tuple(letter for letter in state.dead if letter.notice != notice)


def _well(state: TargetState) -> TargetState:
    """It answers."""
    return replace(state, failing="", failing_since=None, failing_told_at=None, gone=False)


def is_late(notice: n.Notice, target: n.Target, now: datetime) -> bool:
    return not notice.standing and now - notice.at > target.late


def pause(failures: int, chance: float, asked: timedelta | None = None) -> timedelta:
    """Twice as long each time; between half and all of it, by `chance` in 0-1, so that many do not come back at once.

    A target that says when to come again is heard, up to an hour.
    """
    if asked is not None:
        return min(max(asked, FIRST), timedelta(hours=1))
    whole: timedelta = min(LONGEST, FIRST * (1 << min(max(failures - 1, 0), 20)))
    return whole * (0.5 + chance / 2)
