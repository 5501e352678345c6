"""Monitoring as people and scripts are shown it: how long, what of it is spent, what stays warm for it, the alarm."""

from datetime import datetime, timedelta
from typing import Any

from headgate.decide import sight
from headgate.decide.standstill import moment
from headgate.model.rollouts import EnvironmentState

View = dict[str, Any]
HOUR = timedelta(hours=1)


def monitored(state: EnvironmentState, now: datetime) -> View:
    """Three keys: monitoring, warm and alarm; each None where there is none. Shares 0-1, sentences for people."""
    alarm = state.alarm
    return {
        "monitoring": _monitoring(state, now),
        "warm": _warm(state, now),
        "alarm": {"kind": alarm.kind, "why": alarm.why, "at": alarm.at.isoformat()} if alarm else None,
    }


def _monitoring(state: EnvironmentState, now: datetime) -> View | None:
    known = state.monitoring
    if known is None:
        return None
    return {
        "text": sight.standing(known, state, now),
        "since": known.since.isoformat(),
        "until": known.until.isoformat(),
        "on_breach": known.rules.on_breach,
        "budget_left": sight.budget_left(known),
        "nearest": sight.nearest(known),
        "sees": [{"service": one.service, "near": one.near, "text": one.text} for one in sight.sees(known)],
    }


def _warm(state: EnvironmentState, now: datetime) -> str | None:
    """What going back in an instant costs from now on: 4 instances of v41 kept warm until ..., 7.3 instance-hours"""
    previous, until = state.previous, state.warm_until
    if previous is None or until is None or until <= now:
        return None
    count = sum(service.replicas for service in previous.services)
    what = f"{count} instance{'s' if count > 1 else ''} of {previous.label} kept warm until {moment(until)}"
    return f"{what}: {count * (until - now) / HOUR:.3g} instance-hours more"
