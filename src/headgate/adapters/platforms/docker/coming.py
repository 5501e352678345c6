"""Instances that wait for their image: shown as starting, with how far the pull is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from headgate.adapters.platforms.docker.containers import LOOPBACK, Tag
from headgate.adapters.platforms.docker.pulls import Pull
from headgate.model.observations import Instance


@dataclass(frozen=True, slots=True)
class Coming:
    tags: tuple[Tag, ...]
    pull: Pull
    task: asyncio.Task[None]
    changed: Callable[[], None]

    def instances(self) -> list[Instance]:
        return [
            Instance(tag.id, tag.revision, tag.service, f"{tag.place or LOOPBACK}:0", "starting", detail=str(self.pull))
            for tag in self.tags
        ]
