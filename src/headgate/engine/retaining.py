"""The images of an application in its registry: which are needed, and an end to those that are not."""

import asyncio
from dataclasses import asdict
from typing import Any

from headgate.decide.retention import judged, needed
from headgate.engine.application import Application
from headgate.engine.refusals import Rejected
from headgate.model.events import ImagesPruned
from headgate.model.ids import environment_id
from headgate.model.images import ImageKept, RegistryRules

View = dict[str, Any]


async def images(application: Application, keep: int) -> View:
    found = await _judged(application, _registry(application), keep)
    return {"application": application.name, "keep": keep, "images": [asdict(one) for one in found]}


async def prune(application: Application, keep: int, by: str) -> View:
    """Recorded first, then deleted. One that cannot be deleted now is found again by the next prune."""
    rules = _registry(application)
    registry = application.world.registries[rules.kind]
    unneeded = [one for one in await _judged(application, rules, keep) if not one.needed]
    if unneeded:
        named = tuple(f"{one.service}@{one.digest}" for one in unneeded)
        await application.record([ImagesPruned(named, keep, by)])
    for one in unneeded:
        await registry.delete(rules.repository(application.name, one.service), one.digest)
    return {"application": application.name, "keep": keep, "deleted": [asdict(one) for one in unneeded]}


def _registry(application: Application) -> RegistryRules:
    specification = application.state.specification
    if specification is None or specification.registry is None:
        raise Rejected(f"{application.name} names no registry in its file; `headgate apply` one that does")
    return specification.registry


async def _judged(application: Application, rules: RegistryRules, keep: int) -> list[ImageKept]:
    releases = list(application.releases.values())
    services = sorted({service.name for release in releases for service in release.services})
    registry = application.world.registries[rules.kind]
    tags = await asyncio.gather(*(registry.tags(rules.repository(application.name, one)) for one in services))
    quarantined = application.quarantined(environment_id(application.name, ""))
    needs = needed(application.states(), releases, quarantined, keep)
    pairs = zip(services, tags, strict=True)
    return [image for service, known in pairs for image in judged(service, known, releases, needs)]
