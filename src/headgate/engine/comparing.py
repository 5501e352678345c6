"""Environments side by side: what platforms say of themselves, and how far one is a replica of the other."""

import logging
from dataclasses import replace
from typing import Any

from headgate.decide.parity import differences
from headgate.engine.application import Application
from headgate.engine.infrastructure import Ground
from headgate.engine.refusals import Rejected
from headgate.engine.snapshots import Snapshot, found, head
from headgate.engine.versions import with_versions
from headgate.model.ids import environment_id
from headgate.model.infrastructure import Resource
from headgate.model.observations import Place
from headgate.model.rules import Environment
from headgate.ports import AdapterError

View = dict[str, Any]

log = logging.getLogger(__name__)


async def parity(application: Application, left: str, right: str) -> View:
    """One list of what is not the same in two environments; `accepted` says why that is as it should be.

    Raises Unknown, Rejected, AdapterError.
    """
    both = [await found(application, named) for named in (left, right)]
    if both[0].environment == both[1].environment:
        raise Rejected(f"{both[0].environment} is compared with itself; name two environments")
    places = [await _place(application, one) for one in both]
    listed = [{"what": d.what, "why": d.sentence, "accepted": d.accepted or None} for d in differences(*places)]
    sides = {"left": head(both[0]), "right": head(both[1])}
    return {**sides, "differences": listed, "replica": all(one["accepted"] for one in listed)}


async def _place(application: Application, one: Snapshot) -> Place:
    specification = application.state.specification
    rules = specification.environment(one.environment) if specification else None
    if rules is None:
        raise Rejected(f"{one.environment} is not in the applied specification; `headgate apply` it first")
    places = await with_versions(application.world, application.name, {one.environment: Place(rules, one.revision)})
    place = places[one.environment]
    return replace(place, resources=await _resources(application, rules)) if rules.infrastructure else place


async def _resources(application: Application, rules: Environment) -> tuple[Resource, ...] | None:
    """None: they cannot be told, which is a difference for all one knows."""
    try:
        return await Ground(application.world, environment_id(application.name, rules.name), rules).resources()
    except AdapterError as error:
        log.info("%s/%s: %s", application.name, rules.name, error)
        return None
