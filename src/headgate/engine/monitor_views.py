"""Monitoring as people and scripts are shown it: how long, what of it is spent, what stays warm for it, the alarm."""

from datetime import datetime
from typing import Any

from headgate.decide.monitoring import budget_used, standing
from headgate.model.rollouts import EnvironmentState

View = dict[str, Any]


def monitored(state: EnvironmentState, now: datetime) -> View:
    """Three keys: monitoring, warm and alarm; each None where there is none. Shares 0-1, sentences for people."""
    alarm = state.alarm
    return {
        "monitoring": _monitoring(state),
        "warm": _warm(state, now),
        "alarm": {"kind": alarm.kind, "why": alarm.why, "at": alarm.at.isoformat()} if alarm else None,
    }


def _monitoring(state: EnvironmentState) -> View | None:
    known = state.monitoring
    if known is None:
        return None
    return {
        "text": standing(known),
        "since": known.since.isoformat(),
        "until": known.until.isoformat(),
        "on_breach": known.rules.on_breach,
        "budget_used": budget_used(known),
    }


def _warm(state: EnvironmentState, now: datetime) -> str | None:
    """What going back in an instant costs: 4 instances of v41 kept warm until 14:05 UTC"""
    previous, until = state.previous, state.warm_until
    if previous is None or until is None or until <= now:
        return None
    count = sum(service.replicas for service in previous.services)
    return f"{count} instance{'s' if count > 1 else ''} of {previous.label} kept warm until {until:%H:%M} UTC"
