"""All containers of one environment, on one machine or on several."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

from headgate.adapters.docker_engine import DockerEngine, EngineUnreachable
from headgate.adapters.envoy_bridges import Bridge, write_bridge
from headgate.adapters.machine.tasks import report
from headgate.adapters.machine.variables import service_variables
from headgate.adapters.platforms.docker import containers
from headgate.adapters.platforms.docker.coming import Coming
from headgate.adapters.platforms.docker.containers import Network, Tag
from headgate.adapters.platforms.docker.images import Image
from headgate.adapters.platforms.docker.instances import Around, Slot
from headgate.adapters.platforms.docker.memory import recall_all
from headgate.adapters.platforms.docker.published import is_taken, publish
from headgate.adapters.platforms.docker.seats import Seating, Seats
from headgate.adapters.platforms.docker.variables import command_of, given, inherited, own
from headgate.model.errors import joined
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.services import Service
from headgate.ports import AdapterError, SecretsOf, no_secrets

AT_ONCE = 8  # containers that are started: the engine gets no faster with more
PROMPT = 2.0  # seconds, in which a pull that is quick or refused is told to who asked for it
FIRST_LOOK = 2.0  # seconds; how long a new server waits to know whether what it found is ready
Part = tuple[RevisionId, str, str]  # a revision's service on a machine, by its place
Placed = list[tuple[Around, Tag]]


class Fleet:
    def __init__(self, environment: EnvironmentId, secrets: SecretsOf = no_secrets) -> None:
        self.environment, self._secrets = environment, secrets
        self.seats = Seats(())  # for what is started from now on
        self.slots: dict[str, Slot] = {}
        self._coming: dict[Part, Coming] = {}
        self._waiting: set[asyncio.Task[None]] = set()  # for what is coming
        self._refused: dict[Part, AdapterError] = {}  # why an image did not come, for who asks next
        self._starting = asyncio.Lock()  # two callers at once start no more than one would
        self._at_once = asyncio.Semaphore(AT_ONCE)

    # --- what is there

    async def sync(self, around: Around, found: Iterable[tuple[Tag, str]]) -> None:
        """Take what the engine lists (labels and the engine's id) for what there is; know which of it is ready."""
        for tag, container in found:
            self._slot(tag, container, around)
        slots = self.on(around)
        await asyncio.gather(*(slot.refresh() for slot in slots))
        self._stop_surplus(around)
        looks = [asyncio.create_task(slot.looked.wait()) for slot in slots]
        if looks:
            _, late = await asyncio.wait(looks, timeout=FIRST_LOOK)
            for look in late:
                look.cancel()

    def recall(self, around: Around) -> None:
        """What was on a machine that is away, as it was last known."""
        for memory in recall_all(around.folder.instances):
            tag = containers.read_labels(memory.labels)
            if tag is not None and tag.place == around.machine.place and tag.id not in self.slots:
                self._slot(tag, memory.container, around).found_in_memory()

    def _slot(self, tag: Tag, container: str, around: Around) -> Slot:
        known = self.slots.get(tag.id)
        if known is None or known.container != container:
            known = self.slots[tag.id] = Slot(tag, container, around, self._gone)
        return known

    def on(self, around: Around) -> list[Slot]:
        return [slot for slot in self.slots.values() if slot.machine is around.machine]

    def _stop_surplus(self, around: Around) -> None:
        """While this machine was away, others may have been started in place of what comes back with it."""
        back = self.on(around)  # known again, though its machine counts as away until this sync is over
        live = [slot for slot in self.slots.values() if not slot.stopping and (slot in back or not slot.lost)]
        count = Counter((slot.tag.revision, slot.tag.service) for slot in live)
        for slot in sorted(back, key=lambda slot: -slot.tag.number):
            part = slot.tag.revision, slot.tag.service
            if slot in live and 0 < slot.tag.replicas < count[part]:
                count[part] -= 1
                slot.tell_to_stop()

    async def heard(self, container: str) -> None:
        for slot in [slot for slot in self.slots.values() if slot.container == container]:
            await slot.refresh()

    def instances(self) -> list[Instance]:
        """Without what was told to stop on a machine that is lost: it is stopped there, should that come back."""
        seen = [slot.seen() for slot in self.slots.values() if not (slot.lost and slot.stopping)]
        seen += [instance for coming in self._coming.values() for instance in coming.instances()]
        return sorted(seen, key=lambda instance: instance.id)

    def containers(self, service: str | None) -> dict[str, tuple[DockerEngine, str]]:
        """Name of the instance -> where it is, and the engine's id. None: of every service."""
        slots = (slot for slot in self.slots.values() if service in {None, slot.tag.service})
        able = (slot for slot in slots if slot.machine.watch.wrong is None)
        return {slot.tag.id: (slot.machine.engine, slot.container) for slot in sorted(able, key=lambda one: one.tag.id)}

    # --- start

    async def start_missing(self, revision: Revision) -> None:
        """One service that cannot be started does not keep the others from it."""
        async with self._starting:
            able = self.seats.able()
            able[0].folder.remember_release(revision.id, revision.release)
            missing = self._missing(revision, able)
            works = [self._fill(revision, service, missing[service.name]) for service in revision.services]
            await together(works)

    def _missing(self, revision: Revision, able: list[Around]) -> dict[str, Placed]:
        """Service -> what to make where. Nothing may come between this and the making: the lock sees to it."""
        there = [tag for coming in self._coming.values() for tag in coming.tags]
        live = [slot.tag for slot in self.slots.values() if not slot.stopping and not slot.lost] + there
        taken = {(tag.revision, tag.service, tag.number) for tag in [*there, *(s.tag for s in self.slots.values())]}
        seating = Seating(able, taken)
        seating.seat(live)
        count = Counter(tag.service for tag in live if tag.revision == revision.id)
        return {one.name: seating.place(revision, one, one.replicas - count[one.name]) for one in revision.services}

    async def _fill(self, revision: Revision, service: Service, missing: Placed) -> None:
        now = datetime.now(UTC)
        works = [self._in_turn(self._again(slot)) for slot in self._of(revision.id, service.name) if slot.due(now)]
        for around in dict.fromkeys(around for around, _ in missing):
            tags = [tag for at, tag in missing if at is around]
            works.append(self._start_at(around, revision, service, tags))
        await together(works)

    async def _start_at(self, around: Around, revision: Revision, service: Service, tags: list[Tag]) -> None:
        image = await self._image(around, revision, service, tags)
        if image is None:
            return
        network = await around.machine.networks.ensure(self.environment)
        server = await self.bridged(around, revision, network)
        begun = [self._in_turn(self._begin(around, revision, service, tag, image, network, server)) for tag in tags]
        await together(begun)

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
        slots = (slot for slot in self.slots.values() if not slot.stopping and not slot.lost)
        return [slot for slot in slots if slot.tag.revision == revision and slot.tag.service == service]

    async def bridged(self, around: Around, revision: Revision, network: Network) -> str:
        """Where containers find this machine's Envoy, which is told whom it has to answer there."""
        if len(revision.services) < 2:
            return network.gateway
        seats, bridge = self.seats, Bridge(network.gateway, (network.subnet,))
        if seats.far:
            if not seats.server:
                raise AdapterError(f"{self.environment}: several services on other hosts need `server` beside `hosts`")
            near = [await one.networks.find(self.environment) for one in seats.near]
            subnets = [f"{place}/32" for place in seats.far] + [one.subnet for one in near if one]
            bridge = Bridge(seats.server, tuple(sorted(subnets)))
        write_bridge(around.settings.envoy, self.environment, bridge)
        return bridge.gateway

    async def _begin(
        self,
        around: Around,
        revision: Revision,
        service: Service,
        tag: Tag,
        image: Image,
        network: Network,
        server: str,
    ) -> None:
        where = f"{self.environment}, service {service.name}"
        reached = own(service, revision, server)
        secret = await self._secrets(revision, service.name)
        variables = service_variables(reached, inherited(image), given(revision, service), where, secret)
        command = command_of(service, image, variables, where)
        body = containers.request(around.server, tag, service, image.id, variables, command)
        body["HostConfig"] = containers.host_request(around.settings, around.server, tag, service, network)
        await publish(around.engine, body)
        name = containers.name(around.server, tag)
        made = await around.engine.json("POST", "/containers/create", {"name": name}, body)
        slot = self._slot(tag, made["Id"], around)
        around.changed()
        try:
            await slot.start()
        except AdapterError as error:
            await slot.discard()
            on = f" on {around.machine.name}" if around.machine.far else ""
            raise AdapterError(f"{where}{on}: {error}") from error

    # --- images that are not there yet

    async def _image(self, around: Around, revision: Revision, service: Service, missing: list[Tag]) -> Image | None:
        """None: it is on its way, and what needs it is started once it is there."""
        part, images = (revision.id, service.name, around.machine.place), around.machine.images
        if why := self._refused.pop(part, None):
            raise why
        found = await images.find(around.folder, revision, service)
        if found is not None:
            return found
        pull = await images.pull(revision, service)
        task = asyncio.create_task(pull.run(around.engine), name=f"pull {pull.reference}")
        coming = self._coming[part] = Coming(tuple(missing), pull, task, around.changed)
        around.changed()
        try:
            await asyncio.wait({task}, timeout=PROMPT)
        except asyncio.CancelledError:
            self._give_up(part, coming)
            raise
        if not task.done():
            self._go_on(revision, part, coming)
            return None
        self._give_up(part, coming)
        task.result()
        found = await images.find(around.folder, revision, service)
        if found is None:
            raise AdapterError(f"{self.environment}: the pull of {pull.reference} broke off; it is tried again")
        return found

    def _go_on(self, revision: Revision, part: Part, coming: Coming) -> None:
        async def wait() -> None:
            try:
                await coming.task
                self._give_up(part, coming)
                await self.start_missing(revision)
            except EngineUnreachable:
                pass  # its machine is known to be away by now
            except AdapterError as error:
                self._refused[part] = error
            finally:
                self._give_up(part, coming)

        task = asyncio.create_task(wait(), name=f"wait for {coming.pull.reference}")
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        task.add_done_callback(report)

    def _give_up(self, part: Part, coming: Coming) -> None:
        coming.task.cancel()
        if self._coming.get(part) is coming:
            del self._coming[part]
            coming.changed()

    # --- stop

    async def stop(self, revision: RevisionId | None) -> None:
        """None: every revision."""
        async with self._starting:
            for slot in list(self.slots.values()):
                if revision is None or slot.tag.revision == revision:
                    slot.tell_to_stop()
            for part, coming in list(self._coming.items()):
                if revision is None or part[0] == revision:
                    self._give_up(part, coming)
            self._refused = {part: why for part, why in self._refused.items() if revision not in {None, part[0]}}

    def _gone(self, slot: Slot) -> None:
        if self.slots.get(slot.tag.id) is slot:
            del self.slots[slot.tag.id]
        service = slot.tag.service
        live = {other.tag.id for other in self.slots.values() if other.tag.service == service}
        slot.prune_logs(live)

    def forget(self, around: Around) -> None:
        """The file names that machine no more, and it is away."""
        for slot in self.on(around):
            slot.forget()
            del self.slots[slot.tag.id]

    def close(self) -> None:
        for slot in self.slots.values():
            slot.close()
        for task in (*self._waiting, *(coming.task for coming in self._coming.values())):
            task.cancel()


async def together(works: list[Coroutine[Any, Any, None]]) -> None:
    """Done at once, all of them. Raises AdapterError with what they were refused with."""
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, AdapterError):
            raise result
    if refusals := [result for result in results if isinstance(result, AdapterError)]:
        raise joined(refusals)
