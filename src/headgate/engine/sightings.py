"""What moved in the source and what became of it, for `headgate status` and `headgate why`."""

from fnmatch import fnmatchcase
from typing import Any

from headgate.decide.sources import BRANCH, Sighting, short
from headgate.engine.application import Application
from headgate.engine.following import Follower
from headgate.model import events as e
from headgate.model.rules import Environment

View = dict[str, Any]
SHOWN = 20


def source(application: Application, follower: Follower | None) -> View:
    """Latest first."""
    latest = sorted(application.state.followed.sightings.values(), key=lambda one: one.at, reverse=True)
    trouble = follower.trouble if follower else ""
    return {"commits": [_told(one) for one in latest[:SHOWN]], "trouble": trouble or None}


def concerning(application: Application, environment: str) -> list[View]:
    """Of the branches that this environment takes, oldest first."""
    rules = application.state.specification.environment(environment) if application.state.specification else None
    found = application.state.followed.sightings.values() if rules else ()
    return [_told(one) for one in sorted(found, key=lambda one: one.at) if rules and _concerns(one.event, rules)]


def _concerns(event: e.CommitSeen | e.BranchesIntegrated, rules: Environment) -> bool:
    if isinstance(event, e.BranchesIntegrated):
        return event.environment == rules.name
    branch = event.ref.removeprefix(BRANCH)
    takes = rules.deploy == "on-build" and not rules.integrate
    return takes and any(fnmatchcase(branch, pattern) for pattern in rules.branches)


def _told(sighting: Sighting) -> View:
    event = sighting.event
    told = {"at": sighting.at.isoformat(), "outcome": event.outcome, "why": event.why, "release": event.release}
    if isinstance(event, e.CommitSeen):
        return {**told, "branch": short(event.ref), "commit": event.commit, "text": _commit(event)}
    made = event.integration
    left_out = {branch: list(files) for branch, files in made.left_out.items()} if made else {}
    commit = made.commit if made else None
    named = {"environment": event.environment, "branches": event.heads, "left_out": left_out, "commit": commit}
    return {**told, **named, "text": _integration(event, left_out)}


def _commit(event: e.CommitSeen) -> str:
    return f"{short(event.ref)} at {event.commit[:7]}: {event.outcome}: {event.why}"


def _integration(event: e.BranchesIntegrated, left_out: dict[str, list[str]]) -> str:
    without = "; ".join(f"{branch} is left out, in conflict: {', '.join(files)}" for branch, files in left_out.items())
    return f"{event.environment} integrates {event.outcome}: {event.why}{f'; {without}' if without else ''}"
