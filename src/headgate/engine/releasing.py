"""Making a release known: built from its commit, recorded once, announced for the branch it is wanted from."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from headgate.decide.sources import BRANCH, TAG
from headgate.engine.application import Application
from headgate.engine.building import Built, Draft, Told, build, same
from headgate.engine.proving import proven
from headgate.engine.refusals import Immutable, Rejected
from headgate.model import events as e
from headgate.model.ids import release_stream
from headgate.model.images import digest_of
from headgate.model.releases import Release
from headgate.model.sources import INTEGRATED

TRIES = 3  # where something else is recorded for the application at the same moment


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of a release beside its commit."""

    branch: str = ""  # that moved to the commit; empty: as the source says
    claimed: str = ""  # full name of the branch or tag it is said to be of: looked up before it is believed
    only: str = ""  # the one environment that may have it
    images: Mapping[str, str] = field(default_factory=dict)  # service -> reference with digest, built elsewhere

    @property
    def elsewhere(self) -> bool:
        """Built and tested by another CI."""
        return bool(self.claimed or self.images)


PLAIN = Wanted()


async def release(
    application: Application, drafted: Draft, by: str, wanted: Wanted = PLAIN, told: Told = lambda _: None
) -> Release:
    """The same commit is the same release, whoever asks, however often, and from several sides at once."""
    async with application.making:
        rules = application.state.specification
        if rules is None:
            raise Rejected(f"{application.name} has no specification; `headgate apply` it first")
        if wanted.claimed:
            wanted = replace(wanted, branch=await _confirmed(application, drafted, wanted.claimed))
        known = application.releases.get(drafted.release)
        pinned = _pinned(drafted, wanted, known)
        built = await build(drafted, rules, pinned, application.world, application.clock, told)
        return await _whole(_recorded(application, drafted, _as_wanted(built, wanted), known, by))


async def _whole(recording: Coroutine[Any, Any, Release]) -> Release:
    """Images may be broken off at any moment; what is being recorded is recorded, and then it ends."""
    task = asyncio.create_task(recording)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise  # who ends a task waits for it: a server that is stopped would wait for ever


async def _recorded(
    application: Application, drafted: Draft, built: Built, known: Release | None, by: str
) -> Release:
    if known is None:
        await _created(application, drafted, built, by)
    await record(application, _news(application, built.release, known))
    return same(application.releases[drafted.release], built)


def _pinned(drafted: Draft, wanted: Wanted, known: Release | None) -> dict[str, str]:
    """What another CI has built is not built here, and of a release that is there every tag was resolved already."""
    names = [service.name for service in drafted.services]
    if unknown := sorted(set(wanted.images) - set(names)):
        raise Rejected(f"{drafted.label} has no service {unknown[0]!r}; its services: {', '.join(names)}")
    if known is None:
        return dict(wanted.images)
    if any(known.images.get(name) != digest_of(image) for name, image in wanted.images.items()):
        raise Immutable(f"{known.label} is there already, with other images; a release never changes")
    fixed = {service.name for service in drafted.services if service.image} | set(known.elsewhere)
    return {one.name: one.image for one in known.services if one.name in fixed and one.image and digest_of(one.image)}


async def _created(application: Application, drafted: Draft, built: Built, by: str) -> None:
    """Of images there is no release without provenance: both are one entry of the log."""
    stream = release_stream(drafted.release)
    if await application.log.read(stream):
        return
    created: list[e.Event] = [e.ReleaseCreated(built.release, by)]
    signed = [proven(built, drafted.source, application.world)] if built.images else []
    await application.log.append(stream, [*created, *signed], after=0)


async def _confirmed(application: Application, drafted: Draft, ref: str) -> str:
    """A token that may announce releases may not make one of a branch out of a commit that is not on it."""
    source, branch, commit = application.world.source, ref.removeprefix(BRANCH), drafted.commit.sha
    if ref.startswith(TAG):
        held = (await source.heads(drafted.source)).get(ref) == commit
    else:
        held = (await source.resolve(drafted.source, commit, branch)).branch == branch
    if not held:
        raise Rejected(f"{ref} does not hold commit {commit[:12]}; announce it with the branch that it was built from")
    return branch


def _news(application: Application, made: Release, known: Release | None) -> list[e.Event]:
    """A commit that a second branch reaches is announced for that one too: its environments may want it."""
    there = {(one.release, one.branch) for one in application.state.releases}
    version = made.version
    news: list[e.Event] = []
    if known is None or ((made.id, made.branch) not in there and not made.only and not made.branch.startswith(TAG)):
        news.append(e.ReleaseAnnounced(made.id, made.label, made.branch, made.only))
    if known and version and known.version is None:
        news.append(e.ReleaseVersioned(made.id, version))
    return news


async def record(application: Application, news: list[e.Event]) -> None:
    for left in reversed(range(TRIES)):
        try:
            if news:
                await application.record(news)
            return
        except Rejected:
            if not left:
                raise
            await application.remember()


def check(drafted: Draft, wanted: Wanted) -> None:
    commit = drafted.commit
    if commit.branch == INTEGRATED and not wanted.only:
        raise Rejected(f"{commit.sha[:12]} is an integration of branches; release one of its branches")


def _as_wanted(built: Built, wanted: Wanted) -> Built:
    made, elsewhere = built.release, tuple(sorted(wanted.images))
    made = replace(made, branch=wanted.branch or made.branch, only=wanted.only, elsewhere=elsewhere)
    return replace(built, release=made)
