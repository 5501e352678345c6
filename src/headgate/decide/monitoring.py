"""After a promotion: what is learnt of the stable, what of it is a breach, and whether the release is to blame.

The record of what was stable before stands in for it: it gets no traffic now. What can as well be the world's doing, a
rush or an outage that both versions feel, calls a person and rolls nothing back.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import cast

from headgate.analysis import sentinel
from headgate.analysis.aims import aims
from headgate.analysis.record import Record, Records, remembered
from headgate.analysis.sentinel import Breach, Evidence
from headgate.decide.progress import can_serve
from headgate.model.ids import RevisionId, RolloutId
from headgate.model.measurements import Measurement, Window
from headgate.model.monitors import MERGED, Monitoring, MonitoringStarted
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState

TIMES = 2.0  # as bad as in its worst minutes, as busy as it ever was: beyond, they differ
CALM = 0.5  # part of each aim, below which an alarm ends

# --- what is learnt


def begun(event: MonitoringStarted, state: EnvironmentState, at: datetime) -> Monitoring:
    """Follows the promotion. What is measured goes on where the rollout's measurements ended."""
    services = tuple(service.name for service in state.stable.services) if state.stable else ()
    records = records_of(state, event.previous)
    evidence = Evidence(services, aims(event.rules, services, records))
    since = state.rollout.last_tick_at if state.rollout and state.rollout.last_tick_at else at
    return Monitoring(event.rollout, event.previous, event.rules, at, event.until, since, evidence=evidence)


def resumed(monitoring: Monitoring | None, at: datetime) -> Monitoring | None:
    """After a trial that was aborted: what the stable did during it was judged there."""
    if monitoring is None:
        return None
    evidence = replace(evidence_of(monitoring), unread_since=None, unread="")
    return replace(monitoring, last_tick_at=at, evidence=evidence)


def learnt(monitoring: Monitoring, taken: Measurement) -> Monitoring:
    if taken.tick <= monitoring.ticks:
        return monitoring
    evidence = sentinel.step(evidence_of(monitoring), taken)
    return replace(monitoring, ticks=taken.tick, last_tick_at=taken.window.end, evidence=evidence)


def recorded(state: EnvironmentState, taken: Measurement, ticks: int) -> dict[RevisionId, object]:
    """The stable's own record, with one measurement more; `ticks`: those that were counted already."""
    stable = state.stable
    if stable is None or not taken.stable or taken.tick <= ticks:
        return state.records
    seconds = _seconds(taken.window)
    return {**state.records, stable.id: remembered(records_of(state, stable.id), taken.stable, seconds)}


def records_of(state: EnvironmentState, revision: RevisionId | None) -> Records:
    return cast(Records, state.records.get(revision, {})) if revision else {}


def evidence_of(monitoring: Monitoring) -> Evidence:
    return cast(Evidence, monitoring.evidence)


# --- what is seen


def watched_now(state: EnvironmentState) -> Monitoring | None:
    """While nothing is on trial, and the stable is what was promoted."""
    trial = state.rollout is not None and state.rollout.phase != "retiring"
    return None if trial or state.stable is None else state.monitoring


def is_worth_keeping(monitoring: Monitoring, taken: Measurement, alarmed: bool) -> bool:
    """Several looks are one entry in the log; what changes a decision is written at once."""
    if _seconds(taken.window) >= MERGED * monitoring.rules.interval.total_seconds():
        return True
    known = evidence_of(monitoring)
    if taken.missing or known.unread_since:
        return bool(taken.missing) != bool(known.unread_since)
    return not alarmed and bool(sentinel.breaches(sentinel.step(known, taken)))


def breach(monitoring: Monitoring, part: float = 1.0) -> Breach | None:
    """The one that says most: against the record first, then what burns fastest."""
    found = sentinel.breaches(evidence_of(monitoring), part)
    return max(found, key=lambda one: (not one.aim.budget, one.burn, one.also.count.share), default=None)


def blindness(state: EnvironmentState, monitoring: Monitoring, now: datetime) -> str:
    """Nothing could be read for long, or nobody asks for what was asked for before. Never a reason to roll back."""
    known, silence = evidence_of(monitoring), monitoring.rules.silence
    if known.unread_since:
        lasts = now - known.unread_since
        return f"nothing could be measured for {span(lasts)}: {known.unread}" if lasts >= silence else ""
    before = records_of(state, monitoring.previous)
    still = [name for name in sentinel.silent(known, silence.total_seconds()) if _was_asked(before.get(name))]
    return f"{still[0]} got no request for {span(silence)}" if still else ""


def _was_asked(before: Record | None) -> bool:
    return before is not None and before.known and before.busiest >= 1


# --- whom to blame


def excuse(found: Breach, state: EnvironmentState, monitoring: Monitoring, seen: Seen, now: datetime) -> str:
    """Why the release may not be at fault, or going back would not help; empty: roll back."""
    aim, previous = found.aim, state.previous
    if monitoring.rules.on_breach == "call":
        return "`on_breach: call` says so"
    if previous is None or previous.id != monitoring.previous:
        return "there is no earlier revision to go back to"
    before = records_of(state, previous.id).get(aim.service)
    if before is None or aim.usual is None:
        return f"too little was measured of {previous.label} to know that it did better"
    share = found.also.count.share
    if share <= TIMES * aim.usual:
        return f"{previous.label} did no better: {percent(aim.usual)} before"
    if found.rate > TIMES * before.busiest:
        times = found.rate / before.busiest
        return f"{found.rate:,.0f} requests/s are {times:.1f} times what {previous.label} ever got"
    return _cannot_serve(previous, state, seen, now)


def _cannot_serve(previous: Revision, state: EnvironmentState, seen: Seen, now: datetime) -> str:
    if seen.instances is None or seen.routes is None:
        return f"nobody knows whether {previous.label} could serve: {'; '.join(seen.unknown)}"
    warm = state.warm_until is not None and now < state.warm_until
    if warm and not can_serve(previous, seen):
        return f"{previous.label} is warm, gets no traffic and is not ready either: what ails both is not the release"
    return ""


def rollback_id(monitoring: Monitoring) -> RolloutId:
    """Of the rollback that follows by itself: the same if it is decided again."""
    digest = sha256(f"back from {monitoring.rollout}".encode()).hexdigest()
    return RolloutId(f"rol_{digest[:12]}")


# --- in words


def told(found: Breach, state: EnvironmentState) -> str:
    """v42 web: 0.90 % of 12,300 requests failed in the last 5 min (burn 18x of 99.95 %); v41 had 0.02 % before"""
    stable, previous, aim, count = state.stable, state.previous, found.aim, found.also.count
    what = f"of {count.answers:,} requests failed" if not aim.limit else f"of {count.answers:,} answers took over"
    what += f" {aim.limit:,.0f} ms" if aim.limit else ""
    name = f"{stable.label} {aim.service}" if stable else aim.service
    times = f"{found.burn:,.0f}" if found.burn >= 100 else f"{found.burn:.3g}"
    burn = f" (burn {times}x of {percent(1 - aim.budget)})" if aim.budget else ""
    sentence = f"{name}: {percent(count.share)} {what} in the last {_window(found.also.seconds)}{burn}"
    if aim.usual is None or previous is None:
        return sentence
    when = "" if aim.budget or aim.limit else " in its worst minutes"
    return f"{sentence}; {previous.label} had {percent(aim.usual)}{when} before"


def percent(share: float) -> str:
    """Two digits that say something: 99.95 %, 0.020 %, 3 %."""
    value = share * 100
    if value == 0 or value >= 10:
        return f"{value:.4g} %"
    return f"{value:.2g} %"


def span(time: timedelta) -> str:
    seconds = time.total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, left = divmod(minutes, 60)
    return f"{minutes} min" if not hours else f"{hours} h {left} min" if left else f"{hours} h"


def _window(seconds: float) -> str:
    return span(timedelta(seconds=seconds))


def _seconds(window: Window) -> float:
    return (window.end - window.start).total_seconds()
