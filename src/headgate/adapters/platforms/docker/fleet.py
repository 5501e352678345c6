"""All containers of one environment."""

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headgate.adapters.envoy_bridges import Bridge, write_bridge
from headgate.adapters.machine import logs as log_files
from headgate.adapters.machine.variables import service_variables
from headgate.adapters.platforms.docker import containers
from headgate.adapters.platforms.docker.containers import Tag
from headgate.adapters.platforms.docker.images import Image, image_of
from headgate.adapters.platforms.docker.instances import Around, Slot
from headgate.adapters.platforms.docker.networks import Network, Networks
from headgate.adapters.platforms.docker.published import is_taken, publish
from headgate.adapters.platforms.docker.variables import command_of, given, inherited, own
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.services import Service
from headgate.ports import AdapterError

AT_ONCE = 8  # containers that are started: the engine gets no faster with more
FIRST_LOOK = 2.0  # seconds; how long a new server waits to know whether what it found is ready


class Fleet:
    def __init__(self, environment: EnvironmentId, around: Around, networks: Networks) -> None:
        self.environment = environment
        self.slots: dict[str, Slot] = {}
        self._around, self._networks = around, networks
        self._starting = asyncio.Lock()  # two callers at once start no more than one would
        self._at_once = asyncio.Semaphore(AT_ONCE)

    # --- what is there

    async def sync(self, found: Iterable[tuple[Tag, str]]) -> None:
        """Take what the engine lists (labels and the engine's id) for what there is; know which of it is ready."""
        for tag, container in found:
            self._slot(tag, container)
        slots = list(self.slots.values())
        await asyncio.gather(*(slot.refresh() for slot in slots))
        looks = [asyncio.create_task(slot.looked.wait()) for slot in slots]
        if looks:
            _, late = await asyncio.wait(looks, timeout=FIRST_LOOK)
            for look in late:
                look.cancel()

    def _slot(self, tag: Tag, container: str) -> Slot:
        known = self.slots.get(tag.id)
        if known is None or known.container != container:
            known = self.slots[tag.id] = Slot(tag, container, self._around, self._gone)
        return known

    async def heard(self, container: str) -> None:
        for slot in [slot for slot in self.slots.values() if slot.container == container]:
            await slot.refresh()

    def instances(self) -> list[Instance]:
        return sorted((slot.seen() for slot in self.slots.values()), key=lambda instance: instance.id)

    def containers(self, service: str | None) -> dict[str, str]:
        """Name of the instance -> the engine's id. None: of every service."""
        slots = (slot for slot in self.slots.values() if service in {None, slot.tag.service})
        return {slot.tag.id: slot.container for slot in sorted(slots, key=lambda slot: slot.tag.id)}

    def kept_logs(self, service: str | None) -> list[Path]:
        """The newest of each service whose containers are gone."""
        folder = self._around.folder.logs
        services = [folder / containers.checked("service", service)] if service else sorted(folder.iterdir())
        kept = [sorted(path.glob("*.log"), key=lambda log: log.stat().st_mtime) for path in services]
        return [found[-1] for found in kept if found]

    # --- start

    async def start_missing(self, revision: Revision) -> None:
        """One service that cannot be started does not keep the others from it."""
        async with self._starting:
            self._around.folder.remember_release(revision.id, revision.release)
            missing = {service.name: self._missing(revision, service) for service in revision.services}
            works = [self._fill(revision, service, missing[service.name]) for service in revision.services]
            refusals = await told(works)
        if refusals:
            raise AdapterError("; ".join(refusals))

    def _missing(self, revision: Revision, service: Service) -> list[Tag]:
        """Tags of the containers to make. Nothing may come between this and the making: the lock sees to it."""
        count = service.replicas - len(self._of(revision.id, service.name))
        tags = (containers.tagged(revision, service, number) for number in range(1, len(self.slots) + count + 1))
        return [tag for tag in tags if tag.id not in self.slots][: max(count, 0)]

    async def _fill(self, revision: Revision, service: Service, missing: list[Tag]) -> None:
        now = datetime.now(UTC)
        works = [self._again(slot) for slot in self._of(revision.id, service.name) if slot.due(now)]
        if missing:
            image = await image_of(self._around.engine, self._around.folder, revision, service)
            network = await self._networks.ensure(self.environment)
            if len(revision.services) > 1:
                write_bridge(self._around.settings.envoy, self.environment, Bridge(network.gateway, network.subnet))
            works += [self._begin(revision, service, tag, image, network) for tag in missing]
        if refusals := await told([self._in_turn(work) for work in works]):
            raise AdapterError("; ".join(refusals))

    @staticmethod
    async def _again(slot: Slot) -> None:
        """Where its port is lost, another container takes its place the next time."""
        try:
            await slot.start()
        except AdapterError as error:
            if is_taken(error):
                await slot.discard()
            raise

    async def _in_turn(self, work: Coroutine[Any, Any, None]) -> None:
        async with self._at_once:
            await work

    def _of(self, revision: RevisionId, service: str) -> list[Slot]:
        slots = (slot for slot in self.slots.values() if not slot.stopping)
        return [slot for slot in slots if slot.tag.revision == revision and slot.tag.service == service]

    async def _begin(self, revision: Revision, service: Service, tag: Tag, image: Image, network: Network) -> None:
        around = self._around
        where = f"{self.environment}, service {service.name}"
        reached = own(service, revision, network)
        variables = service_variables(reached, inherited(image), given(revision, service), where)
        command = command_of(service, image, variables, where)
        body = containers.request(around.server, tag, service, image.id, variables, command)
        body["HostConfig"] = containers.host_request(
            around.settings, around.server, tag, service, network.name, network.gateway
        )
        await publish(around.engine, body)
        name = containers.name(around.server, tag)
        made = await around.engine.json("POST", "/containers/create", {"name": name}, body)
        slot = self._slot(tag, made["Id"])
        around.changed()
        try:
            await slot.start()
        except AdapterError as error:
            await slot.discard()
            raise AdapterError(f"{where}: {error}") from error

    # --- stop

    async def stop(self, revision: RevisionId | None) -> None:
        """None: every revision."""
        async with self._starting:
            for slot in list(self.slots.values()):
                if revision is None or slot.tag.revision == revision:
                    slot.tell_to_stop()

    def _gone(self, slot: Slot) -> None:
        if self.slots.get(slot.tag.id) is slot:
            del self.slots[slot.tag.id]
        service = slot.tag.service
        live = {other.tag.id for other in self.slots.values() if other.tag.service == service}
        log_files.prune(self._around.folder.logs / service, self._around.settings.logs_kept, live)

    def close(self) -> None:
        for slot in self.slots.values():
            slot.close()


async def told(works: list[Coroutine[Any, Any, None]]) -> list[str]:
    """Done at once, all of them; what each was refused with, each text once."""
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, AdapterError):
            raise result
    return list(dict.fromkeys(str(result) for result in results if isinstance(result, AdapterError)))
