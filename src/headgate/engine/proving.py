"""Provenance: signed when a release is made, verified before anything of it is deployed."""

import json
from typing import Any

from headgate import __version__
from headgate.decide.provenance import PAYLOAD_TYPE, differences, payload, statement
from headgate.engine.building import Built
from headgate.engine.refusals import AdapterError, Rejected
from headgate.engine.world import World
from headgate.model.events import ProvenanceSigned
from headgate.model.ids import release_stream
from headgate.model.images import Envelope, Repository
from headgate.model.releases import Release
from headgate.model.rules import Application as Rules
from headgate.ports import EventLog

View = dict[str, Any]


def proven(built: Built, source: str, world: World) -> ProvenanceSigned:
    content = payload(statement(built.release, source, built.trees, built.images, __version__))
    return ProvenanceSigned(built.release.id, world.signer.sign(PAYLOAD_TYPE, content))


async def envelope(release: Release, log: EventLog) -> Envelope | None:
    recorded = await log.read(release_stream(release.id))
    found = [one.event.envelope for one in recorded if isinstance(one.event, ProvenanceSigned)]
    return found[-1] if found else None


async def verify(release: Release, rules: Rules, world: World, log: EventLog) -> None:
    """Raises Rejected where it does not verify, AdapterError where that cannot be told now."""
    if reasons := _reasons(release, await envelope(release, log), world):
        remedy = "commit once more and make a release of that: `headgate release`"
        raise Rejected(f"{release.label} is refused: {'; '.join(reasons)}; {remedy}")
    if lost := await _missing(release, rules, world):
        remedy = f"make it again: `headgate release {release.commit[:12]}`"
        raise Rejected(f"{release.label} is refused: {'; '.join(lost)}; {remedy}")


def _reasons(release: Release, signed: Envelope | None, world: World) -> list[str]:
    if signed is None:
        return ["it has no provenance: it was made before its platform ran images"]
    try:
        content = world.signer.opened(signed)
    except AdapterError as error:
        return [f"its provenance does not verify, {error}"]
    return [f"its provenance does not fit, {reason}" for reason in differences(content, release)]


async def _missing(release: Release, rules: Rules, world: World) -> list[str]:
    """Images that are kept in the application's registry, of which it has no longer what their digests say."""
    if rules.registry is None:
        return [f"{rules.name} names no registry any more"]
    registry, found = world.registries[rules.registry.kind], []
    for service in release.services:
        name, _, digest = (service.image or "").partition("@")
        repository = Repository(name.partition("/")[2], rules.registry.settings)
        own = (await registry.access(repository)).name == name
        if own and not await registry.exists(repository, digest):
            found.append(f"the image of {service.name}, {name}@{digest}, is no longer in the registry")
    return found


async def shown(release: Release, rules: Rules, world: World, log: EventLog) -> View:
    """The statement and whether it verifies; `problem` says why not."""
    signed = await envelope(release, log)
    view: View = {"release": release.id, "label": release.label, "images": release.images, "problem": None}
    view["elsewhere"] = release.elsewhere
    try:
        await verify(release, rules, world, log)
    except (Rejected, AdapterError) as error:
        view["problem"] = str(error)
    if signed is None:
        return {**view, "envelope": None, "statement": None}
    dsse = {"payloadType": signed.payload_type, "payload": signed.payload}
    signatures = [{"keyid": signed.keyid, "sig": signed.signature}]
    return {**view, "envelope": {**dsse, "signatures": signatures}, "statement": _statement(signed, world)}


def _statement(signed: Envelope, world: World) -> Any:
    """Only what verifies is shown as said."""
    try:
        return json.loads(world.signer.opened(signed))
    except (AdapterError, ValueError):
        return None
