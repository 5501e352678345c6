"""Make a release from a commit: the same commit makes the same release, whoever asks and however often."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import dirname, join, normpath

from headgate.engine.refusals import Rejected
from headgate.engine.world import World
from headgate.model.ids import ReleaseId
from headgate.model.images import ImageMade, ImageOrder, RegistryRules
from headgate.model.releases import Release
from headgate.model.rules import Application as Rules
from headgate.model.services import Service
from headgate.ports import AdapterError, Clock, Commit
from headgate.spec.compile import services
from headgate.spec.read import read


@dataclass(frozen=True, slots=True)
class Built:
    release: Release
    trees: dict[str, str]  # service -> digest of the folder that it is built from
    images: tuple[ImageMade, ...] = ()  # none where no environment runs images


async def build(rules: Rules, reference: str, world: World, clock: Clock) -> Built:
    """Services come from the commit under release; rules never do."""
    commit = await world.source.resolve(rules.source, reference)
    text = await world.source.read_file(rules.source, commit.sha, rules.file)
    parts = _placed(services(read(text, f"{rules.file} at {commit.sha[:7]}")), rules.file)
    release = release_id(rules.name, commit.sha)
    folders = [service.build for service in parts]
    digests = await world.source.checkout(rules.source, commit.sha, world.releases / release, folders)
    trees = {service.name: digests[service.build] for service in parts}
    if not world.runs_images(rules):
        return Built(_release(rules, commit, release, parts, trees, clock), trees)
    made = await _images(rules, commit, parts, trees, world)
    pinned = tuple(replace(part, image=made[part.name].reference) for part in parts)
    images = {name: one.digest for name, one in made.items()}
    return Built(_release(rules, commit, release, pinned, images, clock), trees, tuple(made.values()))


async def _images(
    rules: Rules, commit: Commit, parts: Sequence[Service], trees: Mapping[str, str], world: World
) -> dict[str, ImageMade]:
    """All of them, or the first reason why not: what was made of the others is there when it is asked for again."""
    registry = rules.registry
    if registry is None:
        raise AdapterError(f"{rules.name} names no registry; add `registry: {{docker: {{url: ADDRESS}}}}` to its file")

    async def one(part: Service) -> ImageMade:
        if part.image is not None:
            return await world.images.pin(part.name, part.image, registry)
        return await world.images.make(_order(rules, commit, part, trees[part.name], registry, world))

    made = await asyncio.gather(*map(one, parts))
    return {image.service: image for image in made}


def _order(
    rules: Rules, commit: Commit, part: Service, tree: str, registry: RegistryRules, world: World
) -> ImageOrder:
    return ImageOrder(
        application=rules.name,
        service=part.name,
        folder=str(world.releases / release_id(rules.name, commit.sha) / part.build),
        tree=tree,
        commit=commit.sha,
        committed_at=commit.committed_at,
        source=rules.source,
        version=commit.version,
        registry=registry,
    )


def _placed(parts: tuple[Service, ...], file: str) -> tuple[Service, ...]:
    """Folders in the file are below the file; in a release they are below its source."""
    return tuple(replace(part, build=normpath(join(dirname(file), part.build))) for part in parts)


def _release(
    rules: Rules, commit: Commit, release: ReleaseId, parts: tuple[Service, ...], images: dict[str, str], clock: Clock
) -> Release:
    return Release(
        id=release,
        application=rules.name,
        commit=commit.sha,
        branch=commit.branch,
        author=commit.author,
        subject=commit.subject,
        created_at=clock.now(),
        services=parts,
        images=images,
        version=commit.version,
    )


def release_id(application: str, commit: str) -> ReleaseId:
    return ReleaseId(f"rel_{hashlib.sha256(f'{application} {commit}'.encode()).hexdigest()[:12]}")


def same(known: Release, built: Built) -> Release:
    """A release is immutable. Where its image was lost and building gave another, that is another release's."""
    for image in built.images:
        if known.images.get(image.service) != image.digest:
            was = known.images.get(image.service, "none")
            what = f"the image of {image.service} in {known.label} is {was}, and building it again gave {image.digest}"
            raise Rejected(f"{what}; a release never changes: commit once more, then `headgate release`")
    return known
