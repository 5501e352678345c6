"""Making a release known: built from its commit, recorded once, announced for the branch it is wanted from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from headgate.decide.sources import BRANCH, TAG
from headgate.engine.application import Application
from headgate.engine.building import Draft, build
from headgate.engine.refusals import Rejected
from headgate.model import events as e
from headgate.model.ids import release_stream
from headgate.model.releases import Release
from headgate.model.services import Service
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


async def release(application: Application, drafted: Draft, by: str, wanted: Wanted = PLAIN) -> Release:
    """The same commit is the same release, whoever asks, however often, and from several sides at once."""
    async with application.making:
        if wanted.claimed:
            wanted = replace(wanted, branch=await _confirmed(application, drafted, wanted.claimed))
        made = _as_wanted(await build(drafted, application.world, application.clock), wanted)
        known = application.releases.get(made.id)
        if known is None:
            if not await application.log.read(release_stream(made.id)):
                await application.log.append(release_stream(made.id), [e.ReleaseCreated(made, by)], after=0)
        elif wanted.images and known.images != made.images:
            raise Rejected(f"{known.label} is there already, with other images; a release never changes")
        await record(application, _news(application, made, known))
        return application.releases[made.id]


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


def _as_wanted(made: Release, wanted: Wanted) -> Release:
    made = replace(made, branch=wanted.branch or made.branch, only=wanted.only)
    if not wanted.images:
        return made
    names = [service.name for service in made.services]
    if unknown := sorted(set(wanted.images) - set(names)):
        raise Rejected(f"{made.label} has no service {unknown[0]!r}; its services: {', '.join(names)}")
    services = tuple(_with_image(service, wanted.images) for service in made.services)
    return replace(made, services=services, images={**made.images, **wanted.images})


def _with_image(service: Service, images: Mapping[str, str]) -> Service:
    return replace(service, image=images[service.name]) if service.name in images else service
