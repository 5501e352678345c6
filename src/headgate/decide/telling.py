"""What somebody is told of an event: who must act, what happened, the one sentence why.

Of most events nobody is told anything. Words of others are one line here, and no longer than LONGEST.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import singledispatch
from typing import Any

from headgate.decide.migrating import latest
from headgate.decide.rules import EXPIRED
from headgate.decide.standstill import moment
from headgate.decide.told import Around, Told
from headgate.decide.wanting import contract, void
from headgate.decide.wanting import of as wanting
from headgate.model import events as e
from headgate.model.approvals import ApprovalWithdrawn, LinkRefused, ReleaseTurnedDown
from headgate.model.freezes import RolloutsFrozen, RolloutsUnfrozen
from headgate.model.glass import GlassBroken
from headgate.model.ids import ReleaseId, RolloutId
from headgate.model.monitors import AlarmEnded, AlarmRaised
from headgate.model.notices import Notice, Severity
from headgate.model.releases import Revision
from headgate.model.reverts import CommitReverted
from headgate.model.rollouts import Past, Request, Rollout
from headgate.model.schema import DataRestored, MigrationEnded

LONGEST = 500  # characters
PERSISTENT = 3  # attempts, until something that fails is told


def notices(one: e.Recorded, around: Around) -> tuple[Notice, ...]:
    return tuple(_notice(one, told, around) for told in _told(one.event, around, one))


def _notice(one: e.Recorded, told: Told, around: Around) -> Notice:
    revision = told.revision
    release = ReleaseId(told.release or (revision.release if revision else ""))
    known = around.releases.get(release)
    services = revision.services if revision else known.services if known else ()
    commit = revision.commit if revision else known.commit if known else around.build.commit if around.build else ""
    branch = known.branch if known else around.build.branch if around.build else ""
    return Notice(
        id=notice_id(one.stream, str(one.version), one.at.isoformat(), told.kind, *_elsewhere(one, around)),
        kind=told.kind,
        severity=told.severity,
        at=one.at,
        application=around.application,
        environment=around.environment if told.environment is None else told.environment,
        what=line(told.what),
        why=line(told.why),
        people=tuple(line(person) for person in told.people),
        act=line(told.act),
        standing=told.standing,
        rollout=told.rollout,
        release=release,
        label=line(_label(release, around, revision)),
        commit=commit,
        ref=line(branch),
        first=told.first,
        artifacts={service.name: service.image or "" for service in services},
    )


def _elsewhere(one: e.Recorded, around: Around) -> tuple[str, ...]:
    """An event of the application may be told of several environments."""
    return (around.environment,) if around.environment and one.stream.startswith("application:") else ()


def notice_id(*parts: str) -> str:
    return f"ntc_{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:20]}"


def line(text: str) -> str:
    """One line, without anything that commands a terminal or turns the writing round."""
    one = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return one if len(one) <= LONGEST else f"{one[: LONGEST - 3]}..."


def _label(release: ReleaseId, around: Around, revision: Revision | None = None) -> str:
    known = around.releases.get(release)
    built = around.build.label if around.build else ""
    return revision.label if revision else known.label if known else release or built


@singledispatch
def _told(event: Any, around: Around, one: e.Recorded) -> Iterable[Told]:
    return ()


# --- what waits for somebody


@_told.register
def _(event: e.ReleaseRequested, around: Around, one: e.Recorded) -> Iterator[Told]:
    rollout, revision, label = event.rollout, event.revision, event.revision.label
    asked = f"{event.kind} of {label} was asked for in {around.environment} by {event.by}"
    yield Told("requested", "info", asked, event.why, rollout=rollout, revision=revision)
    request = Request(event.revision, event.rollout, event.kind, event.by, event.why, one.at)
    if event.kind == "rollback" or event.break_glass or not _waits_still(event.rollout, around, one):
        return
    yield from _waits(request, around, asked)


def _waits_still(rollout: RolloutId, around: Around, one: e.Recorded) -> bool:
    """What is no longer waited for is nobody's business; a state from before the event does not know yet."""
    state = around.state
    if state is None or state.version < one.version:
        return True
    return state.waiting is not None and state.waiting.rollout == rollout


@_told.register
def _(event: ApprovalWithdrawn, around: Around, one: e.Recorded) -> Iterator[Told]:
    waiting = around.state.waiting if around.state else None
    if waiting and waiting.revision.release == event.release:
        yield from _waits(waiting, around, line(f"{event.by} withdrew an approval: {event.why}"))


@_told.register
def _(event: e.SpecificationApplied, around: Around, one: e.Recorded) -> Iterator[Told]:
    """Of each environment: what waits there may have been approved by other rules."""
    yield from _void(around)


def _void(around: Around) -> Iterator[Told]:
    state, rules = around.state, around.rules
    if state is None or rules is None or state.waiting is None:
        return
    people, changed = void(state, rules)
    if people:
        yield from _waits(state.waiting, around, f"{changed}: approvals of {', '.join(people)} are void")


def _waits(request: Request, around: Around, why: str) -> Iterator[Told]:
    wanted = wanting(request, around.rules, around.state, around.signed_off)
    if not wanted:
        return
    label = request.revision.label
    what = f"{label} waits in {around.environment}: {'; '.join(one.what for one in wanted)}"
    people = tuple(dict.fromkeys(person for one in wanted for person in one.people))
    act, rollout = " and ".join(dict.fromkeys(one.command for one in wanted)), request.rollout
    yield Told("waiting", "attention", what, why, people, act, True, rollout=rollout, revision=request.revision)


@_told.register
def _(event: ReleaseTurnedDown, around: Around, one: e.Recorded) -> Iterator[Told]:
    what = f"{_label(event.release, around)} was rejected in {around.environment} by {event.by}: it will not start"
    yield Told("rejected", "attention", what, event.why, release=event.release)


@_told.register
def _(event: LinkRefused, around: Around, one: e.Recorded) -> Iterator[Told]:
    what = f"somebody tried to {event.verb} in {around.environment} by a link of {event.person}'s that is used up"
    yield Told("misuse", "trouble", what, f"{event.why}; it came from {event.source}")


# --- rollouts


@_told.register
def _(event: e.RolloutStarted, around: Around, one: e.Recorded) -> Iterator[Told]:
    what = f"{event.kind} of {event.revision.label} started in {around.environment} by {event.by}"
    first = event.replaces is None
    yield Told("started", "info", what, event.why, rollout=event.rollout, revision=event.revision, first=first)


@_told.register
def _(event: e.RevisionPromoted, around: Around, one: e.Recorded) -> Iterator[Told]:
    known = _rollout(event.rollout, around)
    back = known is not None and known.kind == "rollback"
    label = known.revision.label if known else event.revision
    what = f"{around.environment} is back on {label}" if back else f"{label} is stable in {around.environment}"
    yield Told(
        "rolled-back" if back else "promoted",
        "trouble" if back else "info",
        what,
        event.why,
        rollout=event.rollout,
        revision=known.revision if known else None,
        first=_is_first(event.rollout, around),
    )
    yield from _void(around)  # of what waits behind it, which would replace something else now
    yield from _contract(around, f"{label} is stable there")


@_told.register
def _(event: e.RolloutAborted, around: Around, one: e.Recorded) -> Iterator[Told]:
    known = _rollout(event.rollout, around)
    label = known.revision.label if known else event.rollout
    gave_way = event.gave_way_to is not None
    what = f"{label} {'gave way' if gave_way else 'was aborted'} in {around.environment}; traffic goes back to stable"
    revision = known.revision if known else None
    severity: Severity = "info" if gave_way else "trouble"
    yield Told("aborted", severity, what, event.why, rollout=event.rollout, revision=revision)


@_told.register
def _(event: e.RolloutPaused, around: Around, one: e.Recorded) -> Iterator[Told]:
    known, state = _rollout(event.rollout, around), around.state
    if state and state.version >= one.version and not (state.rollout and state.rollout.phase == "paused"):
        return  # it went on, or ended, since
    label, here = known.revision.label if known else event.rollout, around.environment
    act = f"`headgate resume {here}` lets it go on, `headgate abort {here}` ends it"
    what = f"{label} is held in {here} until someone decides"
    revision = known.revision if known else None
    yield Told("held", "attention", what, event.why, act=act, standing=True, rollout=event.rollout, revision=revision)


@_told.register
def _(event: e.ReleaseDropped, around: Around, one: e.Recorded) -> Iterator[Told]:
    what = f"{_label(event.release, around)} will not start in {around.environment}"
    yield Told("dropped", "info", what, event.why, release=event.release)
    if event.why.startswith(EXPIRED):  # whoever asked for it hears that nobody answered
        yield Told("rejected", "attention", what, event.why, release=event.release)


@_told.register
def _(event: e.ReleaseSuperseded, around: Around, one: e.Recorded) -> Iterator[Told]:
    newer = _label(event.by_release, around)
    what = f"{_label(event.release, around)} gave way to {newer} in {around.environment} before it started"
    yield Told("dropped", "info", what, event.why, release=event.release)


@_told.register
def _(event: GlassBroken, around: Around, one: e.Recorded) -> Iterator[Told]:
    passed = f"{len(event.gates)} closed gate{'s' if len(event.gates) != 1 else ''}"
    what = f"BREAK-GLASS in {around.environment}: {event.by} passed {passed} with {_label(event.release, around)}"
    why = f"{event.why} (passed: {'; '.join(event.gates)})" if event.gates else event.why
    yield Told("break-glass", "trouble", what, why, rollout=event.rollout, release=event.release)


@_told.register
def _(event: e.EffectFailed, around: Around, one: e.Recorded) -> Iterator[Told]:
    """With something in flight it is the rollout's matter, which aborts. Told once while the same goes on failing."""
    if around.state is None or around.state.rollout is not None:
        return
    if event.attempt == (1 if event.hopeless else PERSISTENT):
        what = f"{around.environment} is not as it should be, and cannot be put right: {event.effect} fails"
        yield Told("drift", "trouble", what, event.why, act=f"`headgate why {around.environment}`")


def _rollout(rollout: RolloutId, around: Around) -> Rollout | Past | None:
    state = around.state
    if state is None:
        return None
    if state.rollout and state.rollout.id == rollout:
        return state.rollout
    return next((past for past in reversed(state.past) if past.rollout == rollout), None)


def _is_first(rollout: RolloutId, around: Around) -> bool:
    promoted = [past.rollout for past in around.state.past if past.outcome == "promoted"] if around.state else []
    return not promoted or promoted[0] == rollout


# --- migrations


@_told.register
def _(event: MigrationEnded, around: Around, one: e.Recorded) -> Iterator[Told]:
    """One that comes with a rollout is its matter."""
    known = latest(event.service, event.level, around.state) if around.state else None
    if known is None or known.rollout is not None or known.attempt != event.attempt:
        return
    what = f"{known.migration.kind} migration {event.level} of {event.service} in {around.environment}"
    if event.outcome == "failed":
        act = f"`headgate migrate {around.environment}` runs it again"
        yield Told("migration", "trouble", f"{what} failed", event.why, act=act)
        return
    why = f"no release that needs what it took away can run there any more: it came with {known.revision.label}"
    yield Told("migration", "info", f"{what} has run", why)


@_told.register
def _(event: DataRestored, around: Around, one: e.Recorded) -> Iterator[Told]:
    what = f"the data of {event.service} in {around.environment} were restored to level {event.level} by {event.by}"
    yield Told("migration", "attention", what, event.why)


def _contract(around: Around, why: str) -> Iterator[Told]:
    if around.state is None or around.rules is None:
        return
    if wanted := contract(around.state, around.rules):
        what = f"{wanted.what} waits in {around.environment} until somebody asks for it"
        yield Told("migration", "attention", what, f"`contract: on-request`; {why}", act=wanted.command, standing=True)


# --- what is watched after a promotion


@_told.register
def _(event: AlarmRaised, around: Around, one: e.Recorded) -> Iterator[Told]:
    label, here = _label(event.release, around), around.environment
    seen = "does worse than it should" if event.kind == "breach" else "cannot be seen"
    act = f"look, and `headgate rollback {here}` if it must go"
    what, rollout = f"{label} in {here} {seen}", event.rollout
    yield Told("alarm", "attention", what, event.why, act=act, rollout=rollout, release=event.release)


@_told.register
def _(event: AlarmEnded, around: Around, one: e.Recorded) -> Iterator[Told]:
    what = f"the alarm about {_label(event.release, around)} in {around.environment} is over"
    yield Told("alarm-ended", "info", what, event.why, rollout=event.rollout, release=event.release)


# --- freezes, quarantine, builds


@_told.register
def _(event: RolloutsFrozen, around: Around, one: e.Recorded) -> Iterator[Told]:
    until = f" until {moment(event.until)}" if event.until else ""
    what = f"{around.environment or 'every environment'} is frozen{until} by {event.by}: no rollout starts"
    yield Told("frozen", "attention", what, event.why)


@_told.register
def _(event: RolloutsUnfrozen, around: Around, one: e.Recorded) -> Iterator[Told]:
    what = f"{around.environment or 'every environment'} is no longer frozen: {event.by} ended it"
    yield Told("unfrozen", "info", what, event.why)


@_told.register
def _(event: e.ReleaseQuarantined, around: Around, one: e.Recorded) -> Iterator[Told]:
    label = _label(event.release, around)
    act = f"`headgate lift {label} --why TEXT`, once it is known to be good"
    what = f"{label} is quarantined: no environment takes it"
    yield Told("quarantined", "trouble", what, event.why, act=act, environment=event.environment, release=event.release)


@_told.register
def _(event: CommitReverted, around: Around, one: e.Recorded) -> Iterator[Told]:
    label, known = _label(event.release, around), around.releases.get(event.release)
    branch = known.branch if known else "the branch that it is of"
    if event.outcome == "pushed":
        act = "" if event.onto == branch else f"look at it, and merge it into {branch}"
        what = f"what {label} brought is undone on {event.onto}"
        yield Told("reverted", "attention", what, event.why, act=act, release=event.release)
    elif event.outcome != "nothing":
        what = f"what {label} brought cannot be undone on {event.onto} by itself"
        act = f"undo it by hand, before {branch} brings {label} back"
        yield Told("reverted", "trouble", what, event.why, act=act, release=event.release)


@_told.register
def _(event: e.ReleaseRefused, around: Around, one: e.Recorded) -> Iterator[Told]:
    what = f"{_label(event.release, around)} may not come to {event.environment}"
    yield Told("held", "trouble", what, event.why, environment=event.environment, release=event.release)


@_told.register
def _(event: e.BuildEnded, around: Around, one: e.Recorded) -> Iterator[Told]:
    if event.outcome == "failed" and around.build:
        build = around.build
        what = f"the build of {build.label} ({build.branch}) failed: {build.subject}"
        yield Told("build-failed", "trouble", what, event.why, act=f"`headgate builds {build.id}`")


@_told.register
def _(event: e.CommitSeen, around: Around, one: e.Recorded) -> Iterator[Told]:
    if event.outcome == "failed":
        what = f"commit {event.commit[:7]} of {event.ref} becomes no release"
        yield Told("build-failed", "trouble", what, event.why)
