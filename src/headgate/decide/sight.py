"""What the sentinel sees, in words: how long it still looks, what is spent, and how near each aim is to a breach."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.analysis import sentinel
from headgate.analysis.aims import Aim
from headgate.decide.monitoring import evidence_of, percent, span, watched_now
from headgate.decide.standstill import moment
from headgate.model.monitors import Monitoring
from headgate.model.rollouts import EnvironmentState


@dataclass(frozen=True, slots=True)
class Sight:
    """One aim. `near`: beyond 1 it is a breach, where the windows have seen enough."""

    service: str
    near: float
    text: str


def standing(known: Monitoring, state: EnvironmentState, now: datetime) -> str:
    """monitored until 2026-03-02 18:05 UTC (2 h 10 min more), 97 % of the budget left"""
    left = known.until - now
    text = f"monitored until {moment(known.until)}"
    text += f" ({span(left)} more)" if left.total_seconds() > 0 else ""
    return f"{text}, {'set aside while another is on trial' if watched_now(state) is None else spent(known)}"


def spent(known: Monitoring) -> str:
    left = budget_left(known)
    if left is not None:
        return f"{percent(left)} of the budget left"
    counts = _failures(evidence_of(known))
    requests = sum(one.answers for one in counts)
    failed = sum(one.bad for one in counts)
    return f"{percent(failed / requests)} of {requests:,} requests failed" if requests else "no requests yet"


def _failures(evidence: sentinel.Evidence) -> list[sentinel.Count]:
    counts: Mapping[sentinel.Key, sentinel.Count] = evidence.totals.counts if evidence.totals else {}
    return [one for (_, limit), one in counts.items() if not limit]


def budget_left(known: Monitoring) -> float | None:
    """Part (0-1) of the budget of 30 days, of the promise that is worst off; None where nothing is promised."""
    if not any(aim.budget for aim in evidence_of(known).aims):
        return None
    return max(0.0, 1 - (sentinel.budget_used(evidence_of(known)) or 0.0))


def sees(known: Monitoring) -> list[Sight]:
    """Every aim of every service, nearest to a breach first."""
    evidence = evidence_of(known)
    if evidence.unread_since:
        why = f"nothing could be measured since {moment(evidence.unread_since)}: {evidence.unread}"
        return [Sight(name, 0.0, why) for name in evidence.services]
    found = [_sight(evidence, aim) for aim in evidence.aims]
    aimless = [name for name in evidence.services if name not in {aim.service for aim in evidence.aims}]
    found += [Sight(name, 0.0, f"{name}: no promise and no record to go by: nothing is a breach") for name in aimless]
    return sorted(found, key=lambda one: -one.near)


def nearest(known: Monitoring) -> list[str]:
    """One sentence for each service."""
    first: dict[str, str] = {}
    for one in sees(known):
        first.setdefault(one.service, one.text)
    return list(dict.fromkeys(first[name] for name in sorted(first)))


def _sight(evidence: sentinel.Evidence, aim: Aim) -> Sight:
    if not evidence.slots:
        return Sight(aim.service, 0.0, f"{aim.service}: nothing was measured yet")
    key = (aim.service, aim.limit)
    over, also = sentinel.window(evidence, key, aim.over), sentinel.window(evidence, key, aim.also)
    near = min(over.share, also.share) / aim.share
    told = _burning(aim, over, also) if aim.budget else _compared(aim, over)
    return Sight(aim.service, near, f"{aim.service}: {told}")


def _burning(aim: Aim, over: sentinel.Window, also: sentinel.Window) -> str:
    promise = percent(1 - aim.budget) + (f" within {aim.limit:,.0f} ms" if aim.limit else "")
    rates = " and ".join(f"{one.count.share / aim.budget:.2g}x over {_lasting(one.full)}" for one in (over, also))
    return f"{promise} burns {rates}; a breach beyond {aim.share / aim.budget:.3g}x in both"


def _compared(aim: Aim, over: sentinel.Window) -> str:
    what = f"took over {aim.limit:,.0f} ms" if aim.limit else "failed"
    noun = "answers" if aim.limit else "requests"
    seen = f"{percent(over.count.share)} of {over.count.answers:,} {noun} {what} in the last {_lasting(over.full)}"
    return f"{seen}; a breach beyond {percent(aim.share)}"


def _lasting(seconds: float) -> str:
    return span(timedelta(seconds=seconds))
