"""What moves after a promotion, as ordered rules: measurements, a rollback or a call, and the end of monitoring."""

from datetime import datetime

from headgate.decide import monitoring as m
from headgate.decide.going_back import GoingBack, roll_back
from headgate.decide.sight import spent
from headgate.model import events as e
from headgate.model.commands import Refused
from headgate.model.monitors import (
    AlarmEnded,
    AlarmKind,
    AlarmRaised,
    Monitoring,
    MonitoringEnded,
    MonitoringStarted,
    StableMeasured,
)
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState, Rollout

BY = "headgate"


def monitoring_begins(state: EnvironmentState, rollout: Rollout, seen: Seen, now: datetime) -> list[e.Event]:
    """With a promotion. What is rolled back to was good before: a rollback is not monitored, and never rolled back."""
    rules = seen.rules.monitor if seen.rules else None
    if rules is None or not rules.duration or rollout.kind == "rollback":
        return []
    before = state.stable
    against = f"against what {before.label} did" if before and m.records_of(state, before.id) else "alone"
    why = f"{rollout.revision.label} is watched for {m.span(rules.duration)}, {against}"
    ends, previous = now + rules.duration, before.id if before else None
    return [MonitoringStarted(rollout.id, rollout.revision.release, previous, rules, ends, why)]


def take_what_is_watched(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    known, taken = m.watched_now(state), seen.watched
    if known is None or taken is None or taken.tick != known.ticks + 1:
        return []
    if not m.is_worth_keeping(known, taken, state.alarm is not None):
        return []
    return [StableMeasured(known.rollout, taken)]


def go_back_or_call(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """Blame takes a breach and no excuse. Going back asks what a person's rollback asks; refused, it is a call."""
    known = m.watched_now(state)
    found = m.breach(known) if known else None
    if known is None or found is None:
        return []
    why = m.told(found, state)
    excuse = m.excuse(found, state, known, seen, now)
    if not excuse:
        went = roll_back(GoingBack(m.rollback_id(known), BY, why, only=known.previous), state, seen, now)
        if not isinstance(went, Refused):
            return went
        excuse = went.why
    return _call(state, known, "breach", f"{why}; not rolled back: {excuse}")


def call_for_blindness(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    known = m.watched_now(state)
    if known is None or state.alarm is not None:
        return []
    why = m.blindness(state, known, now)
    return _call(state, known, "no_data", f"{why}; unknown is neither health nor blame") if why else []


def _call(state: EnvironmentState, known: Monitoring, kind: AlarmKind, why: str) -> list[e.Event]:
    """Once: the same again is no news. A breach is news even to who was called because nothing could be seen."""
    if state.stable is None or (state.alarm and kind in {state.alarm.kind, "no_data"}):
        return []
    return [AlarmRaised(known.rollout, state.stable.release, kind, why)]


def end_alarm(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    known = m.watched_now(state)
    if known is None or state.alarm is None or state.stable is None:
        return []
    unread = m.evidence_of(known).unread_since is not None
    if unread or m.breach(known, m.CALM) or m.blindness(state, known, now):
        return []
    why = f"well below what raised it, after {m.span(now - state.alarm.at)}"
    return [AlarmEnded(known.rollout, state.stable.release, why)]


def end_monitoring(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    known = m.watched_now(state)
    if known is None or state.stable is None or now < known.until:
        return []
    why = f"{state.stable.label} was watched for {m.span(known.until - known.since)}: {spent(known)}"
    return [MonitoringEnded(known.rollout, state.stable.release, "over", why)]


RULES = (take_what_is_watched, go_back_or_call, call_for_blindness, end_alarm, end_monitoring)
