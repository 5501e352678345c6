"""Which quarantined releases are undone in their branches, as `source.git: revert` says; nothing is asked for twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from headgate.decide.sources import BRANCH
from headgate.model import events as e
from headgate.model.ids import ReleaseId
from headgate.model.releases import Release, Revision
from headgate.model.reverts import CommitReverted, Undoing
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Application

SHORT = 10  # characters of a commit in the name of a branch
LONGEST_WHY = 1000  # characters of a commit's message


@dataclass(frozen=True, slots=True)
class Reverts:
    """Part of the application's state."""

    asked: dict[ReleaseId, str] = field(default_factory=dict)  # quarantined while the file asked for it -> environment
    done: dict[ReleaseId, CommitReverted] = field(default_factory=dict)


def fold_reverts(known: Reverts, event: e.Event, rules: Application | None) -> Reverts:
    match event:
        case e.ReleaseQuarantined(release=release, environment=environment) if asks(rules):
            return replace(known, asked={**known.asked, release: environment})
        case e.QuarantineLifted(release=release):
            return Reverts(_without(known.asked, release), {k: v for k, v in known.done.items() if k != release})
        case CommitReverted(release=release):
            return Reverts(_without(known.asked, release), {**known.done, release: event})
        case _:
            return known


def asks(rules: Application | None) -> bool:
    return rules is not None and rules.following.git == "revert"


def _without(asked: Mapping[ReleaseId, str], release: ReleaseId) -> dict[ReleaseId, str]:
    return {known: environment for known, environment in asked.items() if known != release}


def next_revert(
    release: Release, why: str, here: EnvironmentState, rules: Application, heads: Mapping[str, str]
) -> Undoing | CommitReverted | None:
    """What is to be done, or why nothing is. None: not before traffic is back on what is kept."""
    if here.rollout is not None:
        return None
    nothing = _hindrance(release, here.stable, heads)
    if nothing or here.stable is None:
        return CommitReverted(release.id, "", "nothing", nothing)
    branch, named = release.branch, {"commit": release.commit[:SHORT], "branch": release.branch}
    onto = rules.following.revert_to.format(**named)
    there = heads.get(f"{BRANCH}{onto}")
    if onto != branch and there is not None:
        return CommitReverted(release.id, onto, "pushed", f"branch {onto} is there already", there)
    message = _message(release, here.stable, why, here)
    return Undoing(heads[f"{BRANCH}{branch}"], release.commit, here.stable.commit, onto, message)


def _hindrance(release: Release, stable: Revision | None, heads: Mapping[str, str]) -> str:
    if stable is None or stable.release == release.id:
        return f"there is nothing to go back to from {release.label}"
    if release.only or f"{BRANCH}{release.branch}" not in heads:
        return f"{release.label} is of no branch that is there now"
    return ""


def _message(release: Release, kept: Revision, why: str, here: EnvironmentState) -> str:
    environment = here.id.partition("/")[2]
    reason = "".join(one if one.isprintable() else " " for one in why)[:LONGEST_WHY]
    what = f"This undoes what came after {kept.commit} up to {release.commit}."
    return f"Revert {release.label} to {kept.label}\n\n{what}\nQuarantined in {environment}: {reason}"
