"""Which version of a platform an environment is on, of platforms that have `version(environment)`.

That is a sentence's part, such as "Docker 28.1.1 (linux/amd64)", or AdapterError where it cannot be told.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from headgate.engine.world import World
from headgate.model.ids import environment_id
from headgate.model.observations import Place
from headgate.model.rules import Environment
from headgate.ports import AdapterError

LIMIT = timedelta(seconds=5)  # for one answer

log = logging.getLogger(__name__)


async def with_versions(world: World, application: str, places: Mapping[str, Place]) -> dict[str, Place]:
    told = await asyncio.gather(*(_version(world, application, one.rules) for one in places.values()))
    return {name: replace(one, version=said) for (name, one), said in zip(places.items(), told, strict=True)}


async def _version(world: World, application: str, rules: Environment) -> str | None:
    platform = world.platforms.get(rules.platform)
    if platform is None or not hasattr(platform, "version"):
        return "" if platform else None
    try:
        async with asyncio.timeout(LIMIT.total_seconds()):
            return str(await platform.version(environment_id(application, rules.name)))
    except (AdapterError, TimeoutError) as error:
        log.info("%s/%s: the platform does not tell its version: %s", application, rules.name, error)
    except Exception:
        log.exception("%s/%s: the platform cannot tell its version", application, rules.name)
    return None
