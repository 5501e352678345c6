"""The pipeline: a release moves on by itself to the environments that its rules name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from headgate.decide.reverts import Reverts, fold_reverts
from headgate.decide.sources import TAG, Followed, fold_followed
from headgate.model import events as e
from headgate.model.ids import ReleaseId
from headgate.model.releases import Release
from headgate.model.rollouts import EnvironmentState, SignOff
from headgate.model.rules import Application, Environment, SignOffGate


@dataclass(frozen=True, slots=True)
class ApplicationState:
    """Folded from the application's stream."""

    version: int = 0
    specification: Application | None = None
    releases: tuple[e.ReleaseAnnounced, ...] = ()  # oldest first
    quarantined: dict[ReleaseId, str] = field(default_factory=dict)
    lifted: dict[ReleaseId, datetime] = field(default_factory=dict)  # aborts before this moment no longer count
    followed: Followed = Followed()
    versions: dict[ReleaseId, str] = field(default_factory=dict)  # of releases that were tagged later
    pruned: frozenset[str] = frozenset()  # SERVICE@DIGEST of images that were deleted once
    refused: dict[str, e.ReleaseRefused] = field(default_factory=dict)  # by environment, the latest
    reverts: Reverts = field(default_factory=Reverts)


def fold_application(state: ApplicationState, recorded: list[e.Recorded]) -> ApplicationState:
    for one in recorded:
        state = _apply(state, one)
    return state


def _apply(state: ApplicationState, recorded: e.Recorded) -> ApplicationState:
    quarantined, lifted = state.quarantined, state.lifted
    specification, releases, versions = state.specification, state.releases, state.versions
    pruned = state.pruned
    refused = state.refused
    match recorded.event:
        case e.ReleaseRefused(environment=environment):
            refused = {**refused, environment: recorded.event}
        case e.SpecificationApplied(application=application):
            specification = application
        case e.ReleaseAnnounced() as announced:
            releases = (*releases, announced)
        case e.ReleaseQuarantined(release=release, why=why):
            quarantined = {**quarantined, release: why}
        case e.QuarantineLifted(release=release):
            quarantined = {name: why for name, why in quarantined.items() if name != release}
            lifted = {**lifted, release: recorded.at}
        case e.ReleaseVersioned(release=release, version=version):
            versions = {**versions, release: version}
        case e.ImagesPruned(images=images):
            pruned = pruned | set(images)
    followed = fold_followed(state.followed, recorded.event, recorded.at)
    reverts = fold_reverts(state.reverts, recorded.event, specification)
    return ApplicationState(
        recorded.version, specification, releases, quarantined, lifted, followed, versions, pruned, refused, reverts
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A release that should be asked for in an environment, and why."""

    environment: str
    release: ReleaseId
    why: str


def advance(state: ApplicationState, environments: Mapping[str, EnvironmentState]) -> list[Wanted]:
    """The newest release that each environment takes by itself, where it has not been asked for yet."""
    if state.specification is None:
        return []
    asked = [_next(rules, state, environments) for rules in state.specification.environments]
    return [wanted for wanted in asked if wanted]


def _next(rules: Environment, state: ApplicationState, environments: Mapping[str, EnvironmentState]) -> Wanted | None:
    here = environments.get(rules.name)
    if rules.deploy == "on-build":
        matching = [announced for announced in state.releases if _takes(rules, announced)]
        newest = matching[-1].release if matching else None
        why = f"{matching[-1].label} was built from {matching[-1].branch}" if matching else ""
    elif rules.deploy == "on-advance" and rules.after and (before := environments.get(rules.after)) and before.stable:
        newest, why = before.stable.release, f"{before.stable.label} is stable in {rules.after}"
    else:
        return None
    if newest is None or newest in state.quarantined or refused_here(newest, rules.name, state):
        return None
    if _asked_for(newest, here) or _holds(rules, here):
        return None
    verdicts = signed_off(state.specification, rules, environments).values()
    if any(newest in known and known[newest].verdict == "rejected" for known in verdicts):
        return None
    return Wanted(rules.name, newest, why)


def _takes(rules: Environment, announced: e.ReleaseAnnounced) -> bool:
    """An integration is for its own environment, which takes nothing else by itself; what was tagged is asked for."""
    if announced.only or rules.integrate:
        return rules.integrate and announced.only == rules.name
    return not announced.branch.startswith(TAG) and any(fnmatchcase(announced.branch, p) for p in rules.branches)


def refused_here(release: ReleaseId, environment: str, state: ApplicationState) -> str | None:
    """Why a release may not come here whoever asks: an integration of branches never goes further."""
    only = {one.only for one in state.releases if one.release == release and one.only}
    if not only or environment in only:
        return None
    where = ", ".join(sorted(only))
    return f"{release} is an integration of branches for {where} and never goes further; release one of its branches"


def _holds(rules: Environment, here: EnvironmentState | None) -> bool:
    """Nothing is taken by itself: pinned, busy with what it is to finish, or a hotfix goes first."""
    if here is None:
        return False
    busy = rules.concurrency == "finish" and (here.rollout is not None or here.waiting is not None)
    return busy or here.pin is not None or (here.waiting is not None and here.waiting.hotfix)


def signed_off(
    specification: Application | None, rules: Environment, environments: Mapping[str, EnvironmentState]
) -> dict[str, Mapping[ReleaseId, SignOff]]:
    """The verdicts of every environment that a release passes before this one, and of those that its gates name."""
    names: list[str] = []
    before: Environment | None = rules
    while before and before.after and before.after not in names and specification:
        names.append(before.after)
        before = specification.environment(before.after)
    names += [gate.environment for gate in rules.gates if isinstance(gate, SignOffGate)]
    return {name: environments[name].signed_off for name in dict.fromkeys(names) if name in environments}


def _asked_for(release: ReleaseId, here: EnvironmentState | None) -> bool:
    """In flight, waiting, or over and done with: a release is taken by itself once; after that people ask for it."""
    return here is not None and release in here.requested


def passed(before: EnvironmentState, now: datetime) -> dict[ReleaseId, datetime]:
    """Every release that was stable there, and since when it soaks; for those that no longer are, time stands still."""
    since = {release: now - soaked for release, soaked in before.soaked.items()}
    if before.stable and before.stable_since:
        release = before.stable.release
        since[release] = before.stable_since - before.soaked.get(release, timedelta())
    return since


def quarantine(state: ApplicationState, environments: Mapping[str, EnvironmentState]) -> list[e.ReleaseQuarantined]:
    """A release that was aborted, or rolled back from, is refused everywhere until someone lifts it with a reason."""
    found: dict[ReleaseId, e.ReleaseQuarantined] = {}
    for name, here in environments.items():
        for release, (at, why) in here.refused.items():
            lifted = state.lifted.get(release)
            if release not in state.quarantined and (lifted is None or at > lifted):
                found.setdefault(release, e.ReleaseQuarantined(release, name, why))
    return list(found.values())


def release_called(name: str, releases: Mapping[ReleaseId, Release]) -> list[Release]:
    """Every release that an id, a version or at least four characters of a commit name."""
    return [r for r in releases.values() if name in (r.id, r.version) or (len(name) >= 4 and r.commit.startswith(name))]
