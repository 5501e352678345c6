"""Make a release from a commit: the same commit makes the same release, whoever asks and however often."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from posixpath import dirname, join, normpath

from headgate.engine.refusals import Immutable, Rejected
from headgate.engine.world import World
from headgate.model.builds import Build
from headgate.model.events import ImageProvided
from headgate.model.ids import ReleaseId
from headgate.model.images import ImageMade, ImageOrder, RegistryRules, digest_of
from headgate.model.releases import Release
from headgate.model.rules import Application as Rules
from headgate.model.services import Service
from headgate.ports import AdapterError, Clock, Commit
from headgate.spec.compile import services
from headgate.spec.read import read

Told = Callable[[ImageProvided], None]  # of each image, as soon as it is there


@dataclass(frozen=True, slots=True)
class Picked:
    """The commit of a build."""

    sha: str
    branch: str
    author: str
    subject: str
    version: str | None
    committed_at: datetime
    message: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a release will be, as far as reading tells."""

    application: str
    source: str
    commit: Commit
    services: tuple[Service, ...]

    @property
    def release(self) -> ReleaseId:
        return release_id(self.application, self.commit.sha)

    @property
    def label(self) -> str:
        return self.commit.version or self.commit.sha[:7]


@dataclass(frozen=True, slots=True)
class Built:
    release: Release
    trees: dict[str, str]  # service -> digest of the folder that it is built from
    images: tuple[ImageMade, ...] = ()  # none where no environment runs images


async def draft(rules: Rules, reference: str, world: World, branch: str = "") -> Draft:
    """Services come from the commit under release; rules never do."""
    commit = await world.source.resolve(rules.source, reference, branch)
    return await _drafted(rules.name, rules.source, rules.file, commit, world)


async def draft_of(build: Build, source: str, file: str, world: World) -> Draft:
    at = (await world.source.resolve(source, build.commit, build.branch)).committed_at
    commit = Picked(build.commit, build.branch, build.author, build.subject, build.version, at)
    return await _drafted(build.application, source, file, commit, world)


async def _drafted(application: str, source: str, file: str, commit: Commit, world: World) -> Draft:
    text = await world.source.read_file(source, commit.sha, file)
    return Draft(application, source, commit, placed(services(read(text, f"{file} at {commit.sha[:7]}")), file))


async def build(
    drafted: Draft, rules: Rules, pinned: Mapping[str, str], world: World, clock: Clock, told: Told = lambda _: None
) -> Built:
    """Images are made as the rules that apply now ask for. `pinned`: service -> reference of what is there already."""
    into, folders = world.releases / drafted.release, [service.build for service in drafted.services]
    digests = await world.source.checkout(drafted.source, drafted.commit.sha, into, folders)
    trees = {service.name: digests[service.build] for service in drafted.services}
    runs = world.runs_images(rules)
    if runs and rules.registry is None:
        raise AdapterError(f"{rules.name} names no registry; add `registry: {{docker: {{url: ADDRESS}}}}` to its file")

    async def one(part: Service) -> ImageMade:
        began = clock.now()
        image = await _image(part, drafted, rules.registry, pinned, trees, world)
        if runs:
            seconds = (clock.now() - began).total_seconds()
            told(ImageProvided(part.name, image.reference, seconds, image.new, image.built_from))
        return image

    made = await _all([one(part) for part in drafted.services if runs or part.name in pinned])
    release = _release(drafted, {**trees, **{name: one.digest for name, one in made.items()}}, made, clock)
    return Built(release, trees, tuple(made.values()) if runs else ())


async def _all(making: Sequence[Awaitable[ImageMade]]) -> dict[str, ImageMade]:
    """Or the first reason why not, once none is being made any more: what was made of the others is there then."""
    ended = await asyncio.gather(*making, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    return {image.service: image for image in ended if isinstance(image, ImageMade)}


async def _image(
    part: Service,
    drafted: Draft,
    registry: RegistryRules | None,
    pinned: Mapping[str, str],
    trees: Mapping[str, str],
    world: World,
) -> ImageMade:
    image = pinned.get(part.name, part.image)
    if registry is None:
        return _as_said(part.name, image or "")
    if image is not None:
        return await world.images.pin(part.name, image, registry)
    return await world.images.make(_order(drafted, part, trees[part.name], registry, world))


def _as_said(service: str, image: str) -> ImageMade:
    """Where no registry is known there is none to ask, and no platform that would run it."""
    digest = digest_of(image)
    if digest is None:
        raise Rejected(f"{image!r} is no image by digest; say which: NAME@sha256:...")
    return ImageMade(service, image, digest)


def _order(drafted: Draft, part: Service, tree: str, registry: RegistryRules, world: World) -> ImageOrder:
    return ImageOrder(
        application=drafted.application,
        service=part.name,
        folder=str(world.releases / drafted.release / part.build),
        tree=tree,
        commit=drafted.commit.sha,
        committed_at=drafted.commit.committed_at,
        source=drafted.source,
        version=drafted.commit.version,
        registry=registry,
        dockerfile=part.dockerfile,
    )


def placed(parts: tuple[Service, ...], file: str) -> tuple[Service, ...]:
    """Folders in the file are below the file; in a release they are below its source."""
    return tuple(replace(part, build=normpath(join(dirname(file), part.build))) for part in parts)


def _release(drafted: Draft, images: dict[str, str], made: Mapping[str, ImageMade], clock: Clock) -> Release:
    commit = drafted.commit
    parts = drafted.services
    return Release(
        id=drafted.release,
        application=drafted.application,
        commit=commit.sha,
        branch=commit.branch,
        author=commit.author,
        subject=commit.subject,
        created_at=clock.now(),
        services=tuple(replace(one, image=made[one.name].reference) if one.name in made else one for one in parts),
        images=images,
        version=commit.version,
        migration_level=max((one.level for one in parts), default=0),
    )


def release_id(application: str, commit: str) -> ReleaseId:
    return ReleaseId(f"rel_{hashlib.sha256(f'{application} {commit}'.encode()).hexdigest()[:12]}")


def same(known: Release, built: Built) -> Release:
    """A release is immutable. Where its image was lost and building gave another, that is another release's."""
    for image in built.images:
        if known.images.get(image.service) != image.digest:
            was = known.images.get(image.service, "none")
            what = f"the image of {image.service} in {known.label} is {was}, and building it again gave {image.digest}"
            raise Immutable(f"{what}; a release never changes: commit once more, then `headgate release`")
    return known
