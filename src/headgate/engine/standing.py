"""Where every release stands: one line for each, with a cell for each environment that knows it."""

from datetime import datetime
from typing import Any

from headgate.decide.explain import held_up
from headgate.decide.judging import weight_at
from headgate.engine.application import Application
from headgate.engine.views import broken, frozen, now_seen, pinned, signed_off
from headgate.engine.wheel import Wheel
from headgate.model.ids import ReleaseId, environment_id
from headgate.model.releases import Release
from headgate.model.rollouts import EnvironmentState, Past, Rollout
from headgate.model.rules import Environment

View = dict[str, Any]


def pipeline(application: Application, now: datetime, limit: int) -> View:
    """The newest releases, and every one that is somewhere now; newest first."""
    newest = list(reversed(application.releases.values()))
    refused = application.quarantined(environment_id(application.name, ""))
    lines = [_line(application, release, refused.get(release.id), now) for release in newest]
    shown = [line for at, line in enumerate(lines) if at < limit or _is_somewhere(line)]
    return {
        "application": application.name,
        "now": now.isoformat(),
        "environments": [_environment(name, application.wheels[name], now) for name in _order(application)],
        "releases": shown,
        "left_out": len(lines) - len(shown),
    }


def _order(application: Application) -> list[str]:
    """As in the file; then what the file no longer names."""
    specification = application.state.specification
    named = [rules.name for rules in specification.environments] if specification else []
    return [*(name for name in named if name in application.wheels), *(n for n in application.wheels if n not in named)]


def _environment(name: str, wheel: Wheel, now: datetime) -> View:
    rules = wheel.surroundings.rules(wheel.environment)
    shown: View = {"environment": name, "pinned": pinned(wheel), "frozen": frozen(wheel, now)}
    return {**shown, **(_rules(rules) if rules else {"after": None, "deploy": None, "concurrency": None})}


def _rules(rules: Environment) -> View:
    return {"after": rules.after, "deploy": rules.deploy, "concurrency": rules.concurrency}


def _line(application: Application, release: Release, quarantined: str | None, now: datetime) -> View:
    found = {name: _cell(application.wheels[name], release.id, now) for name in _order(application)}
    return {
        "release": release.id,
        "label": release.label,
        "commit": release.commit,
        "subject": release.subject,
        "created_at": release.created_at.isoformat(),
        "quarantined": quarantined,
        "environments": {name: cell for name, cell in found.items() if cell},
    }


def _is_somewhere(line: View) -> bool:
    now = ("stable", "on trial", "aborting", "waiting")
    return any(cell["state"] in now for cell in line["environments"].values())


def _cell(wheel: Wheel, release: ReleaseId, now: datetime) -> View | None:
    """What it is here now, else what became of it here; None: it was never here."""
    state, rollout, waiting = wheel.state, wheel.state.rollout, wheel.state.waiting
    found = signed_off(state, release)
    signed: View = {"signed_off": found} if found else {}
    if rollout and rollout.revision.release == release and rollout.phase != "retiring":
        return {**_trial(rollout), **signed}
    if waiting and waiting.revision.release == release:
        why = "; ".join(held_up(state, now_seen(wheel), now))
        return {"state": "waiting", "since": waiting.at.isoformat(), "why": why, "hotfix": waiting.hotfix, **signed}
    if state.stable and state.stable.release == release:
        since = state.stable_since.isoformat() if state.stable_since else None
        return {"state": "stable", "since": since, "pinned": state.pin is not None, **signed}
    former = _former(state, release)
    return {**former, **signed} if former else None


def _trial(rollout: Rollout) -> View:
    aborting = rollout.phase == "aborting"
    return {
        "state": "aborting" if aborting else "on trial",
        "since": rollout.started_at.isoformat(),
        "weight": 0 if aborting else weight_at(rollout),
        "paused": rollout.phase == "paused",
        "hotfix": rollout.hotfix,
        "break_glass": broken(rollout.glass),
        "why": rollout.why,
    }


def _former(state: EnvironmentState, release: ReleaseId) -> View | None:
    past = next((one for one in reversed(state.past) if one.revision.release == release), None)
    if past is None:
        return {"state": "passed", "since": state.promoted[release].isoformat()} if release in state.promoted else None
    at, why = state.refused.get(release, (past.ended_at, past.why))
    return {"state": _outcome(state, past), "since": at.isoformat(), "why": why}


def _outcome(state: EnvironmentState, past: Past) -> str:
    refused = past.revision.release in state.refused
    if past.outcome == "aborted":
        return "gave way" if past.gave_way else "aborted"
    return "rolled back" if refused else "passed"
