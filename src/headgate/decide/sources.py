"""What moved in a repository, and what becomes of it: a release, or nothing, and why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from headgate.model import events as e
from headgate.model.ids import ReleaseId
from headgate.model.rules import Application, Environment
from headgate.model.sources import is_remote

BRANCH, TAG = "refs/heads/", "refs/tags/"
SKIP = re.compile(r"\[(?:skip ci|ci skip)\]", re.IGNORECASE)
LOCAL_POLL = timedelta(seconds=1)  # a few file times are looked at
REMOTE_POLL = timedelta(seconds=30)  # a round trip to a server of somebody
REMEMBERED = 50  # branches and tags whose last commit is told


@dataclass(frozen=True, slots=True)
class Sighting:
    at: datetime
    event: e.CommitSeen | e.BranchesIntegrated


@dataclass(frozen=True, slots=True)
class Followed:
    """What was seen of a repository so far; part of the application's state."""

    source: str = ""
    follows: tuple[str, ...] = ()
    heads: dict[str, str] = field(default_factory=dict)  # full name -> the commit last dealt with
    sightings: dict[str, Sighting] = field(default_factory=dict)  # full name, or environment -> the latest


def fold_followed(followed: Followed, event: e.Event, at: datetime) -> Followed:
    match event:
        case e.SourceFollowed(source=source, follows=follows, heads=heads):
            known = followed.heads if source == followed.source else {}
            return replace(followed, source=source, follows=follows, heads={**known, **heads})
        case e.CommitSeen(ref=ref, commit=commit):
            heads = {**followed.heads, ref: commit}
            return replace(followed, heads=heads, sightings=_latest(followed, ref, Sighting(at, event)))
        case e.BranchesIntegrated(environment=environment):
            return replace(followed, sightings=_latest(followed, environment, Sighting(at, event)))
        case _:
            return followed


def _latest(followed: Followed, name: str, sighting: Sighting) -> dict[str, Sighting]:
    """In the order of time, the oldest forgotten, but never an integration: the next one is compared with it."""
    after = {**{known: one for known, one in followed.sightings.items() if known != name}, name: sighting}
    commits = [known for known in after if known.startswith("refs/")]
    for known in commits[: len(commits) - REMEMBERED] if len(commits) > REMEMBERED else ():
        del after[known]
    return after


def follows(rules: Application) -> tuple[str, ...]:
    """Patterns of full names; none where another CI announces releases."""
    if rules.following.releases == "on-announce":
        return ()
    taken = (
        pattern
        for environment in rules.environments
        if environment.deploy == "on-build" and not environment.integrate
        for pattern in environment.branches
    )
    branches = [BRANCH + pattern for pattern in rules.following.branches or taken]
    return tuple(dict.fromkeys([*branches, *(TAG + pattern for pattern in rules.following.tags)]))


def poll(rules: Application) -> timedelta:
    return rules.following.poll or (REMOTE_POLL if is_remote(rules.source) else LOCAL_POLL)


def concerns(rules: Application) -> bool:
    """Whether anything follows from what moves there."""
    integrates = any(environment.integrate for environment in rules.environments)
    return bool(follows(rules)) or integrates or rules.following.git == "revert"


def noted(followed: Followed, rules: Application, heads: Mapping[str, str]) -> e.SourceFollowed | None:
    """What is there when something is followed for the first time is no news: applying a file deploys nothing."""
    wanted = follows(rules)
    if (followed.source, followed.follows) == (rules.source, wanted):
        return None
    known = followed.heads if followed.source == rules.source else {}
    new = {name: commit for name, commit in heads.items() if name not in known and _matches(name, wanted)}
    return e.SourceFollowed(rules.source, wanted, new)


def moved(followed: Followed, heads: Mapping[str, str]) -> list[tuple[str, str]]:
    """Branches and tags that are new or elsewhere, with their commits; branches first."""
    return [
        (name, commit)
        for name, commit in sorted(heads.items())
        if followed.heads.get(name) != commit and _matches(name, followed.follows)
    ]


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def short(ref: str) -> str:
    return ref.removeprefix(BRANCH).removeprefix("refs/")


def skips(message: str) -> str | None:
    """What of a commit's message asks that nothing be made of it."""
    found = SKIP.search(message)
    return found.group() if found else None


def release_before(announced: tuple[e.ReleaseAnnounced, ...], branch: str, only: str = "") -> ReleaseId | None:
    """The latest of a branch, or of the integrations of an environment."""
    same = [one.release for one in announced if (one.only == only if only else one.branch == branch and not one.only)]
    return same[-1] if same else None


def to_integrate(rules: Environment, heads: Mapping[str, str]) -> list[tuple[str, str]]:
    """Branches with their commits, in the order of the file's patterns, then by name: the first one is the ground."""
    there = {name.removeprefix(BRANCH): commit for name, commit in heads.items() if name.startswith(BRANCH)}
    names = [name for pattern in rules.branches for name in sorted(there) if fnmatchcase(name, pattern)]
    return [(name, there[name]) for name in dict.fromkeys(names)]


def integrated(followed: Followed, environment: str) -> dict[str, str]:
    """The branches with the commits of the latest integration."""
    sighting = followed.sightings.get(environment)
    return sighting.event.heads if sighting and isinstance(sighting.event, e.BranchesIntegrated) else {}
