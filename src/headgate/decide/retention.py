"""Retention: which images must stay in the registry, each with why. What runs, waits, or may be gone back to stays."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from headgate.model.ids import ReleaseId
from headgate.model.images import ImageKept, digest_of
from headgate.model.releases import Release, Revision
from headgate.model.rollouts import EnvironmentState

Key = tuple[str, str]  # service, digest
Needs = dict[Key, str]


def needed(
    environments: Mapping[str, EnvironmentState],
    releases: Sequence[Release],
    quarantined: Collection[ReleaseId],
    keep: int,
) -> Needs:
    """Service and digest -> why it stays. `releases`: oldest first. `keep` of them stay, and as many ways back."""
    found: Needs = {}
    for name, state in environments.items():
        for revision, why in (*_present(name, state), *_ways_back(name, state, quarantined, keep)):
            for key in _images(revision):
                found.setdefault(key, why)
    for release in list(releases)[-keep:] if keep else []:
        for service, digest in release.images.items():
            found.setdefault((service, digest), f"{release.label} is one of the newest {keep}")
    return found


def _present(name: str, state: EnvironmentState) -> Iterator[tuple[Revision, str]]:
    """What runs, is on its way, or would be started again by itself."""
    rollout = state.rollout
    if state.stable:
        yield state.stable, f"stable in {name}"
    if rollout:
        yield rollout.revision, f"rolling out in {name}"
    if rollout and rollout.baseline:
        yield rollout.baseline, f"baseline in {name}"
    if state.waiting:
        yield state.waiting.revision, f"waits in {name}"
    if state.previous:
        yield state.previous, f"the way back in {name}"


def _ways_back(
    name: str, state: EnvironmentState, quarantined: Collection[ReleaseId], keep: int
) -> Iterator[tuple[Revision, str]]:
    """The revisions that a rollback without a target would choose, one after the other; and those before them."""
    promoted = [past.revision for past in reversed(state.past) if past.outcome == "promoted"]
    good = [revision for revision in promoted if revision.release not in quarantined]
    for revisions in (promoted, good):
        releases = list(dict.fromkeys(revision.release for revision in revisions))[: keep + 1]  # stable is the first
        for revision in revisions:
            if revision.release in releases:
                yield revision, f"a way back in {name}"


def _images(revision: Revision) -> Iterator[Key]:
    for service in revision.services:
        if digest := digest_of(service.image or ""):
            yield service.name, digest


def judged(
    service: str, tags: Mapping[str, str], releases: Sequence[Release], needs: Mapping[Key, str]
) -> list[ImageKept]:
    """Every image of a service that its registry has. One of no known release stays: it may be another server's."""
    found = []
    for digest in dict.fromkeys(tags.values()):
        names = tuple(sorted(tag for tag, one in tags.items() if one == digest))
        of = tuple(release.id for release in reversed(releases) if release.images.get(service) == digest)
        why = needs.get((service, digest)) or ("" if of else "of no release of this server")
        found.append(ImageKept(service, digest, names, of, why))
    return found
