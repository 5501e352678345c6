"""Make a release from a commit: the same commit makes the same release, whoever asks and however often."""

import hashlib
from dataclasses import replace
from posixpath import dirname, join, normpath

from headgate.engine.world import World
from headgate.model.ids import ReleaseId
from headgate.model.releases import Release
from headgate.model.rules import Application as Rules
from headgate.model.services import Service
from headgate.ports import Clock, Commit
from headgate.spec.compile import services
from headgate.spec.read import read


async def build(rules: Rules, reference: str, world: World, clock: Clock) -> Release:
    """Services come from the commit under release; rules never do."""
    commit = await world.source.resolve(rules.source, reference)
    text = await world.source.read_file(rules.source, commit.sha, rules.file)
    parts = placed(services(read(text, f"{rules.file} at {commit.sha[:7]}")), rules.file)
    release = release_id(rules.name, commit.sha)
    folders = [service.build for service in parts]
    images = await world.source.checkout(rules.source, commit.sha, world.releases / release, folders)
    return _release(rules, commit, release, parts, {s.name: images[s.build] for s in parts}, clock)


def placed(parts: tuple[Service, ...], file: str) -> tuple[Service, ...]:
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
