"""Make a release from a commit: the same commit makes the same release, whoever asks and however often."""

import hashlib
from dataclasses import dataclass, replace
from posixpath import dirname, join, normpath

from headgate.engine.world import World
from headgate.model.builds import Build
from headgate.model.ids import ReleaseId
from headgate.model.releases import Release
from headgate.model.rules import Application as Rules
from headgate.model.services import Service
from headgate.ports import Clock, Commit
from headgate.spec.compile import services
from headgate.spec.read import read


@dataclass(frozen=True, slots=True)
class Picked:
    """The commit of a build."""

    sha: str
    branch: str
    author: str
    subject: str
    version: str | None
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


async def draft(rules: Rules, reference: str, world: World, branch: str = "") -> Draft:
    """Services come from the commit under release; rules never do."""
    commit = await world.source.resolve(rules.source, reference, branch)
    return await _drafted(rules.name, rules.source, rules.file, commit, world)


async def draft_of(build: Build, source: str, file: str, world: World) -> Draft:
    commit = Picked(build.commit, build.branch, build.author, build.subject, build.version)
    return await _drafted(build.application, source, file, commit, world)


async def _drafted(application: str, source: str, file: str, commit: Commit, world: World) -> Draft:
    text = await world.source.read_file(source, commit.sha, file)
    return Draft(application, source, commit, placed(services(read(text, f"{file} at {commit.sha[:7]}")), file))


async def build(drafted: Draft, world: World, clock: Clock) -> Release:
    into, folders = world.releases / drafted.release, [service.build for service in drafted.services]
    images = await world.source.checkout(drafted.source, drafted.commit.sha, into, folders)
    return _release(drafted, {service.name: images[service.build] for service in drafted.services}, clock)


def placed(parts: tuple[Service, ...], file: str) -> tuple[Service, ...]:
    """Folders in the file are below the file; in a release they are below its source."""
    return tuple(replace(part, build=normpath(join(dirname(file), part.build))) for part in parts)


def _release(drafted: Draft, images: dict[str, str], clock: Clock) -> Release:
    commit = drafted.commit
    return Release(
        id=drafted.release,
        application=drafted.application,
        commit=commit.sha,
        branch=commit.branch,
        author=commit.author,
        subject=commit.subject,
        created_at=clock.now(),
        services=drafted.services,
        images=images,
        version=commit.version,
    )


def release_id(application: str, commit: str) -> ReleaseId:
    return ReleaseId(f"rel_{hashlib.sha256(f'{application} {commit}'.encode()).hexdigest()[:12]}")
