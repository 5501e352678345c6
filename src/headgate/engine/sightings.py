"""What moved in the source and what became of it, for `headgate status` and `headgate why`."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from headgate.decide.builds import BuildState
from headgate.decide.sources import BRANCH, Sighting, short
from headgate.engine.application import Application
from headgate.engine.following import Follower
from headgate.model import events as e
from headgate.model.reverts import CommitReverted
from headgate.model.rules import Environment

View = dict[str, Any]
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Became:
    outcome: str
    why: str
    release: str | None


def source(application: Application, follower: Follower | None, builds: Sequence[BuildState] = ()) -> View:
    """Latest first. `builds` of the application, oldest first."""
    latest = sorted(application.state.followed.sightings.values(), key=lambda one: one.at, reverse=True)
    trouble = follower.trouble if follower else ""
    commits = [_told(one, builds) for one in latest[:SHOWN]]
    return {"commits": commits, "trouble": trouble or None, "reverts": reverts(application)}


def reverts(application: Application) -> list[View]:
    """Of releases that are quarantined now, oldest first, as `source.git: revert` says."""
    known = application.state.reverts.done.values()
    return [_revert(application, one) for one in known if one.release in application.state.quarantined]


def _revert(application: Application, event: CommitReverted) -> View:
    release = application.releases.get(event.release)
    label, branch = (release.label, release.branch) if release else (event.release, "its branch")
    told = {"release": event.release, "branch": event.onto or None, "commit": event.commit or None}
    if event.outcome != "pushed":
        what = "has a conflict" if event.outcome == "conflict" else "was not made"
        text = f"the revert of {label} {what}: {event.why}"
    elif event.onto == branch:
        text = f"{label} was undone in {branch}: {event.commit[:10]}"
    else:
        text = f"the revert of {label} is on branch {event.onto}: merge it into {branch}"
    return {**told, "outcome": event.outcome, "why": event.why, "text": text}


def concerning(application: Application, environment: str, builds: Sequence[BuildState] = ()) -> list[View]:
    """Of the branches that this environment takes, oldest first."""
    rules = application.state.specification.environment(environment) if application.state.specification else None
    found = application.state.followed.sightings.values() if rules else ()
    known = sorted(found, key=lambda one: one.at)
    return [_told(one, builds) for one in known if rules and _concerns(one.event, rules)]


def _concerns(event: e.CommitSeen | e.BranchesIntegrated, rules: Environment) -> bool:
    if isinstance(event, e.BranchesIntegrated):
        return event.environment == rules.name
    branch = event.ref.removeprefix(BRANCH)
    takes = rules.deploy == "on-build" and not rules.integrate
    return takes and any(fnmatchcase(branch, pattern) for pattern in rules.branches)


def _told(sighting: Sighting, builds: Sequence[BuildState]) -> View:
    event = sighting.event
    commit = _commit(event)
    became = _became(event, commit, builds)
    told = {"at": sighting.at.isoformat(), "outcome": became.outcome, "why": became.why, "release": became.release}
    if isinstance(event, e.CommitSeen):
        text = f"{short(event.ref)} at {event.commit[:7]}: {became.outcome}: {became.why}"
        return {**told, "branch": short(event.ref), "commit": commit, "text": text}
    made = event.integration
    left_out = {branch: list(files) for branch, files in made.left_out.items()} if made else {}
    named = {"environment": event.environment, "branches": event.heads, "left_out": left_out, "commit": commit}
    return {**told, **named, "text": _integration(event, became, left_out)}


def _commit(event: e.CommitSeen | e.BranchesIntegrated) -> str | None:
    if isinstance(event, e.CommitSeen):
        return event.commit
    return event.integration.commit if event.integration else None


def _became(event: e.CommitSeen | e.BranchesIntegrated, commit: str | None, builds: Sequence[BuildState]) -> Became:
    """What was seen is in the log once; what its build has come to since is the build's to say."""
    if event.outcome == "building":
        for state in reversed(builds):
            if state.build.commit == commit and state.outcome is not None:
                outcome = "released" if state.release else state.outcome
                return Became(outcome, f"{state.why} in {state.build.id}", state.release)
    return Became(event.outcome, event.why, event.release)


def _integration(event: e.BranchesIntegrated, became: Became, left_out: dict[str, list[str]]) -> str:
    without = "; ".join(f"{branch} is left out, in conflict: {', '.join(files)}" for branch, files in left_out.items())
    return f"{event.environment} integrates {became.outcome}: {became.why}{f'; {without}' if without else ''}"
